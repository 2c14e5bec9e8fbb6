"""The OpenAPI document says what is sent: each status of each route is provoked, and each answer is as described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.api.document.deployment import Adapter, Decoding, ModelBase, SpecialistLimits, Worker
from coordinator.api.document.goal import GoalFailure, OmittedElement, StepProgress
from coordinator.api.document.job import DeadLetter, JobFailure, JobProvenance, JobUsage
from coordinator.api.document.plan import GroundedValue, PlanLimits, PlanMap, PlanStep, SavedPlan
from coordinator.keys.keyring import Keyring
from coordinator.plans.answer import Grounding
from coordinator.plans.plan import Limits, Map, Step
from coordinator.plans.saved_plan import SavedPlan as StoredPlan
from coordinator.runs.progress import LeftOut, Progress
from coordinator.runs.run import RunFailure
from infra import records
from infra.access import Quota, Scope, Spend
from infra.ledger.protocol import LedgerUnavailable
from infra.records import TypeState
from specialists import manifest
from specialists.catalog import Catalog
from tests.support.answers import draft, refused, unsure
from tests.support.story import SORT, ref, with_fallback
from tests.support.wire import OBJECT_ID, Wire
from workers.capability import Capability

GOALS, GOAL = "/v1/goals", "/v1/goals/{run_id}"
JOBS, JOB, BATCH = "/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/batch"
LETTERS, LETTER = "/v1/dead-letters", "/v1/dead-letters/{job_id}"
PLANS, PLAN = "/v1/plans", "/v1/plans/{name}"
CHAT, SAID = "/v1/chat/completions", [{"role": "user", "content": "x"}]
MODELS, MODEL, TUNING = "/v1/models", "/v1/models/{name}", "/v1/fine_tuning/jobs"
TYPES, TYPE = "/v1/job-types", "/v1/job-types/{name}"

BROKEN = {"type": "table", "input": {"columns": [["x"], []]}}  # of unequal length: it fails
COUNTED = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}}
TEXTS = {"messages": ["one", "two"]}
COUNT = {"id": "s2", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}
SPARED = {"id": "s3", "type": "table", "args": BROKEN["input"], "on_failure": {"default": {"rows": []}}}
BOUND = {"id": "s4", "type": "table", "args": BROKEN["input"], "on_failure": "skip", "after": ["s1"]}

#: Faults of ours, in routes that ask no ledger: nothing that a test may do makes these fail.
UNPROVOKED = {
    (method, path, 500)
    for method, path in (
        ("get", "/livez"),
        ("get", "/v1/specialists"),
        ("get", MODELS),
        ("get", MODEL),
        ("get", TUNING),
        ("post", TUNING),
    )
}


class Unreachable:
    """A ledger of which every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise self._error

        return fail


@pytest.fixture
def catalog() -> Catalog:
    return with_fallback()


@pytest.fixture
def wire(deployment: Any, api: TestClient) -> Wire:
    grounded = [{"step": "s2", "argument": "field", "value": "intent", "from": "what they want"}]
    plans = draft(SORT, confidence=0.5), draft(SORT, COUNT, words="counts", confidence=0.4, grounded=grounded)
    deployment.answers |= {
        "planner": lambda job: refused(missing=["text"], nearest=["triage"]) if job["goal"] == "No" else unsure(*plans),
        "triage": lambda _: {"intent": "card_arrival"},
        "large": lambda _: {"intent": "exchange_rate"},
    }
    deployment.confidence |= {"triage": 0.4, "large": 0.9}
    return Wire(api)


def test_each_status_of_each_route_is_sent_as_the_document_says(
    deployment: Any, deploy: Callable[..., Any], wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_while_nothing_runs(wire)
    send_what_is_refused(wire)
    send_to_a_full_house(wire, deployment)
    send_without_a_ledger(wire, deployment)
    deployment.start()
    send_plans(wire)
    send_goals(wire)
    send_jobs(wire)
    send_letters(wire)
    send_to_the_deployment(wire, deployment)
    send_to_openais_routes(wire, deployment)
    send_with_keys(wire, deployment)
    send_over_the_quota(wire, deployment)
    send_what_is_forgotten(wire, deployment, monkeypatch)
    assert wire.documented() - wire.seen == UNPROVOKED
    assert wire.seen <= wire.documented()


def send_while_nothing_runs(wire: Wire) -> None:
    """Requests sent again, and goals that are ended, taken up again and watched, before a worker is there."""
    key = {"Idempotency-Key": "k-1"}
    goal = wire.send("post", GOALS, 202, json=_plan(SORT), headers=key).json()
    assert goal["unserved"]
    wire.send("post", GOALS, 409, json=_plan(SORT), headers=key)
    job = wire.send("post", JOBS, 202, json=COUNTED, headers=key | {"X-Tenant": "a"}).json()
    wire.send("post", JOBS, 409, json=COUNTED, headers=key | {"X-Tenant": "a"})
    wire.send("post", f"{GOAL}/rerun", 409, names={"run_id": goal["id"]})
    wire.send("post", f"{GOAL}/confirm", 409, names={"run_id": goal["id"]}, json={"choice": 1})
    wire.send("delete", GOAL, 200, names={"run_id": goal["id"]})
    wire.send("post", GOALS, 200, json=_plan(SORT), headers=key)
    wire.send("delete", JOB, 200, names={"job_id": job["id"]})
    wire.send("post", JOBS, 200, json=COUNTED, headers=key | {"X-Tenant": "a"})
    other = wire.send("post", GOALS, 202, json={"goal": "Sort", "limits": {"queue_s": 9}}).json()
    wire.send("post", f"{GOAL}/cancel", 200, names={"run_id": other["id"]})
    wire.send("post", f"{GOAL}/rerun", 202, names={"run_id": other["id"]})
    wire.send("post", f"{JOB}/cancel", 200, names={"job_id": f"{other['id']}.planner.0"})
    wire.send("post", f"{GOAL}/cancel", 200, names={"run_id": other["id"]})
    assert "run.reopened" in _events(wire, other["id"])


def send_what_is_refused(wire: Wire) -> None:
    """To each route what it can know for wrong by itself."""
    for (method, path), operation in wire.operations():
        status = 422 if "422" in operation["responses"] else 400
        wire.send(method, path, status, names=OBJECT_ID, params={"bogus": "1"}, **wire.example(operation))
    for (method, path), _ in wire.operations(413):
        for status, content, kind in (
            (413, b"x" * 400_000, "application/json"), (415, b"{}", "text/plain"), (400, b"{", "application/json"),
        ):  # fmt: skip
            wire.send(method, path, status, names=OBJECT_ID, content=content, headers={"Content-Type": kind})
    for (method, path), operation in wire.operations(400):
        if any(each["name"] == "x-tenant" for each in operation.get("parameters", [])):
            wire.send(method, path, 400, names=OBJECT_ID, headers={"X-Tenant": "not a name"}, **wire.example(operation))
    for (method, path), operation in wire.operations(404):
        if path == CHAT:  # what is unknown there is in the body
            continue
        query = {"type": "nothing"} if path in (LETTERS, GOALS, JOBS) else {}
        wire.send(method, path, 404, names=OBJECT_ID, params=query, **wire.example(operation))


def send_to_a_full_house(wire: Wire, deployment: Any) -> None:
    few = deployment.settings.model_copy(update={"tenant_backlog": 1})
    with TestClient(create_api(deployment.ledger, deployment.catalog, few)) as api:
        mine = {"X-Tenant": "mine"}
        wire.send("post", JOBS, 202, api=api, json=COUNTED, headers=mine)
        wire.send("post", JOBS, 429, api=api, json=COUNTED, headers=mine)
        wire.send("post", GOALS, 429, api=api, json=_plan(COUNTED_STEP), headers=mine)
        sort = {"type": "triage", "input": {"text": "x"}}
        wire.send("post", JOBS, 202, api=api, json=sort, headers=mine)
        wire.send("post", CHAT, 429, api=api, json={"model": "triage", "messages": SAID}, headers=mine)


def send_without_a_ledger(wire: Wire, deployment: Any) -> None:
    for status, error in ((503, LedgerUnavailable("away")), (500, RuntimeError("a fault"))):
        ledger: Any = Unreachable(error)
        app = create_api(ledger, deployment.catalog, deployment.settings)
        with TestClient(app, raise_server_exceptions=False) as api:
            for (method, path), operation in wire.operations(status):
                if (method, path, status) in UNPROVOKED:
                    continue
                names = OBJECT_ID | ({"name": "count"} if path.startswith(TYPES) else {})
                query = {"all": "true"} if (method, path) == ("delete", LETTERS) else {}
                wire.send(method, path, status, api=api, names=names, params=query, **wire.example(operation))


def send_plans(wire: Wire) -> None:
    example = wire.document["paths"][PLAN]["put"]["requestBody"]["content"]["application/json"]["examples"]["plan"]
    names = {"name": "intents"}
    wire.send("put", PLAN, 201, names=names, json=example["value"])
    wire.send("put", PLAN, 200, names=names, json=example["value"])
    assert wire.get(PLANS) == [wire.get(PLAN, **names)]
    assert wire.send("post", f"{GOALS}", 202, params={"wait": 30}, json={"saved": "intents", "inputs": TEXTS}).json()[
        "saved"
    ]
    wire.send("delete", PLAN, 200, names=names)


def send_goals(wire: Wire) -> None:
    """Goals that are planned, refused, confirmed, asked_of_fallback, and that fail in part or as a whole."""
    goal = _ended(wire, {"goal": "Sort or count", "inputs": TEXTS})
    assert (goal["state"], len(goal["plans"])) == ("unsure", 2)
    confirmed = wire.send("post", f"{GOAL}/confirm", 202, names={"run_id": goal["id"]}, json={"choice": 2}).json()
    assert wire.send("get", GOAL, 200, names={"run_id": confirmed["id"]}, params={"wait": 30}).json()["result"]
    assert {"run.unsure", "run.confirmed", "plan.accepted", "job.fallback"} <= _events(wire, goal["id"])
    assert _ended(wire, {"goal": "No", "inputs": TEXTS})["explanation"]["nearest"] == ["triage"]
    spared = _ended(wire, _plan(SORT, SPARED, BOUND, limits={"claim_within_s": 60}))
    assert (spared["state"], len(spared["steps"]["s4"]["left_out"])) == ("succeeded", 1)
    failed = _ended(wire, _plan({**SPARED, "on_failure": "fail"}))
    assert failed["failure"]["step"] == "s3"
    assert {"step.released", "job.ended", "run.ended"} <= _events(wire, failed["id"])
    assert {"step.ended", "run.accepted"} <= _events(wire, spared["id"])
    assert len(wire.get(GOALS)) > 4
    few = wire.send("get", GOALS, 200, params={"limit": 2, "order": "asc", "state": "succeeded", "type": "count"})
    rest = wire.send("get", GOALS, 200, params=parse_qs(few.links["next"]["url"].partition("?")[2]))
    assert {each["id"] for each in few.json()}.isdisjoint(each["id"] for each in rest.json())


def send_jobs(wire: Wire) -> None:
    job = wire.send("post", JOBS, 202, params={"wait": 30}, json={"type": "triage", "input": {"text": "x"}}).json()
    assert job["fallback"]["first_confidence"] == 0.4
    assert wire.get(JOB, job_id=job["id"])["usage"]
    assert "fallback" in wire.get(JOBS)[0]
    assert wire.send("get", JOBS, 200, params={"limit": 1}).links["next"]["rel"] == "next"
    sent = {"jobs": [COUNTED | {"tags": ["a"]}, {"type": "count"}, {"type": "nothing", "input": {}}, BROKEN, 7]}
    for statuses in ([202, 422, 422, 202, 422], [200, 422, 422, 200, 422]):
        batch = wire.send("post", BATCH, 200, json=sent, headers={"Idempotency-Key": "b-1"}).json()
        assert [each["status"] for each in batch["items"]] == statuses


def send_letters(wire: Wire) -> None:
    def failed() -> Any:
        job = wire.send("post", JOBS, 202, params={"wait": 30}, json=BROKEN).json()
        wire.send("get", GOAL, 200, names={"run_id": job["id"].partition(".")[0]}, params={"wait": 30})
        return {"job_id": job["id"]}

    names = failed()
    assert wire.get(LETTER, **names)["cause"] == "failed"
    assert wire.get(LETTERS)[0]["failure"]["kind"] == "engine"
    taken_up = wire.send("post", f"{LETTER}/rerun", 202, names=names).json()
    assert taken_up["also"] == []
    wire.send("get", GOAL, 200, names={"run_id": taken_up["id"]}, params={"wait": 30})
    wire.send("delete", LETTER, 200, names=names)
    wire.send("put", f"{TYPE}/state", 200, names={"name": "triage"}, json={"state": "paused"})
    running = wire.send("post", GOALS, 202, json=_plan(SPARED, SORT)).json()
    names = {"job_id": f"{running['id']}.s3.0"}
    wire.send("get", JOB, 200, names=names, params={"wait": 30})
    wire.send("post", f"{LETTER}/rerun", 409, names=names)
    failed()
    assert wire.send("delete", LETTERS, 200, params={"all": "true"}).json()["purged"] >= 1


def send_to_the_deployment(wire: Wire, deployment: Any) -> None:
    deployment.ledger.beat("w1", Capability(deployment.catalog, {}, slots=2).about(0, 0), 60_000)
    assert list(wire.get("/v1/workers")["workers"]) == ["w1"]
    for path in (TYPES, "/v1/specialists", "/livez", "/readyz"):
        assert wire.get(path)
    assert wire.get(TYPE, name="triage")["output_schema"]
    wire.send("put", f"{TYPE}/state", 200, names={"name": "count"}, json={"state": "paused"})
    paused = wire.send("post", GOALS, 202, json=_plan(COUNTED_STEP)).json()
    assert paused["paused"] == ["count"]
    assert wire.get(f"{TYPE}/load", name="count")["state"] == "paused"


def send_to_openais_routes(wire: Wire, deployment: Any) -> None:
    deployment.ledger.set_type_state("triage", TypeState.OPEN)
    deployment.answers["call"] = lambda _: {"name": "f", "arguments": {"a": "b"}}
    tools = [{"type": "function", "function": {"name": "f"}}]
    for asked in ({"model": "triage", "logprobs": True}, {"model": "call", "tools": tools}):
        for rest in ({"metadata": {"a": "b"}}, {"stream": True, "stream_options": {"include_usage": True}}):
            wire.send("post", CHAT, 200, json={**asked, **rest, "messages": SAID})
    wire.send("post", CHAT, 404, json={"model": "nothing", "messages": SAID})
    assert wire.get(MODELS)["data"]
    assert wire.get(MODEL, name="triage")["id"] == "triage"
    for method in ("get", "post"):
        wire.send(method, TUNING, 501)


def send_with_keys(wire: Wire, deployment: Any) -> None:
    """To each route that asks for a key: none, and one of another scope."""
    ring = Keyring(deployment.ledger)
    narrow = {scope: ring.create("acme", [scope])[1] for scope in (Scope.SUBMIT, Scope.READ)}
    settings = deployment.settings.model_copy(update={"keys": True})
    with TestClient(create_api(deployment.ledger, deployment.catalog, settings)) as api:
        for (method, path), operation in wire.operations(403):
            ((needed,),) = operation["security"][0].values()
            other = narrow[Scope.SUBMIT if needed == Scope.READ else Scope.READ]
            wire.send(method, path, 401, api=api, names=OBJECT_ID)
            bearer = {"Authorization": f"Bearer {other}"}
            wire.send(method, path, 403, api=api, names=OBJECT_ID, headers=bearer)


def send_over_the_quota(wire: Wire, deployment: Any) -> None:
    """What would make jobs, for a tenant that has used up its quota; and what a quota lets in."""
    waits = _ended(wire, {"goal": "Sort or count", "inputs": TEXTS})
    failed = _ended(wire, _plan({**SPARED, "on_failure": "fail"}))
    letter = {"job_id": f"{failed['id']}.s3.0"}
    deployment.ledger.set_quota("default", Quota(jobs_a_minute=5))
    with TestClient(create_api(deployment.ledger, deployment.catalog, deployment.settings)) as api:
        wire.send("post", JOBS, 202, api=api, json=COUNTED)
        large = {**SORT, "map": {"over": ref("inputs.messages"), "as": "m"}}
        many = {"plan": {"steps": [large]}, "inputs": {"messages": ["x"] * 6}}
        wire.send("post", GOALS, 422, api=api, json=many)
        deployment.ledger.charge("default", [Spend("jobs-minute", 5, 60, 9)])
        wire.send("post", f"{GOAL}/confirm", 429, api=api, names={"run_id": waits["id"]}, json={"choice": 1})
        wire.send("post", f"{GOAL}/rerun", 429, api=api, names={"run_id": failed["id"]})
        wire.send("post", f"{LETTER}/rerun", 429, api=api, names=letter)
    deployment.ledger.set_quota("default", Quota())


def send_what_is_forgotten(wire: Wire, deployment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = ((GOALS, _plan(COUNTED_STEP), {"Idempotency-Key": "g-9"}), (JOBS, COUNTED, {"Idempotency-Key": "j-9"}))
    for path, body, key in requests:
        wire.send("post", path, 202, json=body, headers=key)
    monkeypatch.setattr(deployment.ledger, "load_run", lambda _: None)  # as after their retention
    for path, body, key in requests:
        wire.send("post", path, 410, json=body, headers=key)


COUNTED_STEP = {"id": "s1", "type": "count", "args": COUNTED["input"]}


def _plan(*steps: Any, **rest: Any) -> Any:
    return {"plan": {"steps": list(steps)}, "inputs": TEXTS if SORT in steps else {}, **rest}


def _ended(wire: Wire, asked: Any) -> Any:
    return wire.send("post", GOALS, 202, params={"wait": 30}, json=asked).json()


def _events(wire: Wire, goal_id: str) -> set[str]:
    text = wire.send("get", f"{GOAL}/events", 200, names={"run_id": goal_id}).text
    return {line.partition(": ")[2] for line in text.splitlines() if line.startswith("event: ")}


def test_the_document_is_valid_openapi(wire: Wire) -> None:
    assert wire.document["openapi"].startswith("3.1")
    validate(wire.document, cls=OpenAPIV31SpecValidator)


def test_each_route_parameter_and_body_is_explained_and_each_body_has_an_example(wire: Wire) -> None:
    for name, operation in wire.operations():
        assert operation["summary"], name
        assert all(each.get("description") for each in operation.get("parameters", [])), name
        if body := operation.get("requestBody"):
            content = body["content"]["application/json"]
            assert content["examples"], name
            for example in content["examples"].values():
                assert wire.body_faults(example["value"], content["schema"]) == [], name


def test_what_is_sent_has_no_fields_but_those_that_are_described(wire: Wire) -> None:
    objects = {name: each for name, each in wire.document["components"]["schemas"].items() if "properties" in each}
    assert {name for name, each in objects.items() if each.get("additionalProperties") is not False} == {"Worker"}


def test_a_field_that_is_not_described_is_found(wire: Wire) -> None:
    health = wire.api.get("/livez")
    described = wire.document["paths"]["/readyz"]["get"]["responses"]["200"]
    assert wire.faults(health, described) == []
    assert wire.body_faults({"status": "ok", "mood": "good"}, described["content"]["application/json"]["schema"])
    assert wire.faults(health, {**described, "content": {}}) == ["application/json is not described"]


@pytest.mark.parametrize(
    ("shape", "record", "beside"),
    [
        (StepProgress, Progress, {"seen", "asked", "fallback"}),
        (OmittedElement, LeftOut, set()),
        (GoalFailure, RunFailure, set()),
        (JobFailure, records.Failure, set()),
        (JobUsage, records.Usage, set()),
        (JobProvenance, records.Provenance, set()),
        (DeadLetter, records.DeadLetter, set()),
        (PlanStep, Step, set()),
        (PlanMap, Map, set()),
        (PlanLimits, Limits, set()),
        (GroundedValue, Grounding, set()),
        (ModelBase, manifest.BaseRef, set()),
        (Adapter, manifest.AdapterRef, set()),
        (Decoding, manifest.Decoding, set()),
        (SpecialistLimits, manifest.Limits, set()),
    ],
)
def test_a_record_that_is_sent_whole_is_described_whole(shape: Any, record: Any, beside: set[str]) -> None:
    assert set(shape.model_fields) == set(record.model_fields) - beside


def test_a_saved_plan_and_a_worker_are_described_whole(catalog: Catalog) -> None:
    assert set(SavedPlan.model_fields) == {"name", *StoredPlan.model_fields}
    assert set(Worker.model_fields) == set(Capability(catalog, {}, slots=1).about(0, 0))
