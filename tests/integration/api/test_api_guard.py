"""Keys at the API: every route of the running app is walked with a tenant's key, and another tenant's things are not
there; and with no key, a bad one, or one of another scope."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.api.scopes import scope_of
from coordinator.keys import check as checking
from coordinator.keys.keyring import Keyring
from coordinator.windows.openai.errors import is_openais
from infra.access import KeptKey, Quota, Scope
from infra.ledger.protocol import LedgerUnavailable
from infra.listing import RunQuery
from infra.logs import JsonFormatter
from infra.records import TypeState
from tests.support.answers import draft, unsure
from tests.support.deployment import Deployment

Headers = dict[str, str]
JOB = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}}
BROKEN = {"type": "table", "input": {"columns": [["x"], []]}}  # of unequal length: it fails
COUNT = {"steps": [{"id": "s1", "type": "count", "args": JOB["input"]}]}
PAUSED = {"steps": [{"id": "s1", "type": "average", "args": {"items": [{"n": 1}], "field": "n"}}]}
#: A body for each route that takes one, by the end of its path.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/goals"): {"plan": COUNT},
    ("POST", "/v1/jobs"): JOB,
    ("POST", "/v1/goals/{run_id}/confirm"): {"choice": 1},
    ("POST", "/v1/goals/{run_id}/rerun"): {},
    ("PUT", "/v1/job-types/{name}/state"): {"state": "paused"},
}
FREE = {("GET", "/livez"), ("GET", "/readyz")}


class Route(NamedTuple):
    method: str
    path: str


class Things(NamedTuple):
    """What one tenant has: ids by what they are of."""

    goals: list[str]
    jobs: list[str]
    plan: str


@pytest.fixture
def app(deployment: Deployment) -> FastAPI:
    steps = {"id": "s1", "type": "count", "args": JOB["input"]}
    deployment.answers["planner"] = lambda _: unsure(draft(steps, confidence=0.5), draft(steps, confidence=0.4))
    settings = deployment.settings.model_copy(update={"keys": True})
    return create_api(deployment.ledger, deployment.catalog, settings)


@pytest.fixture
def api(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def key(deployment: Deployment, tenant: str, *scopes: Scope, lifetime_s: float | None = None) -> Headers:
    _, secret = Keyring(deployment.ledger).create(tenant, scopes, lifetime_s=lifetime_s)
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def acme(deployment: Deployment) -> Headers:
    return key(deployment, "acme", Scope.SUBMIT, Scope.READ)


@pytest.fixture
def byte(deployment: Deployment) -> Headers:
    return key(deployment, "byte", Scope.SUBMIT, Scope.READ)


@pytest.fixture
def admin(deployment: Deployment) -> Headers:
    return key(deployment, "ops", Scope.ADMIN)


def routes_of(app: FastAPI) -> list[Route]:
    """All of them, those that the document leaves out too, and not the pages about the API."""
    found = [
        Route(method, str(each.path))
        for included in app.routes
        if hasattr(included, "effective_route_contexts")
        for each in included.effective_route_contexts()
        for method in sorted(each.methods)
    ]
    assert len(found) > 25
    return found


def ask(api: TestClient, route: Route, headers: Headers, goal: str = "", job: str = "", name: str = "x") -> Any:
    path = route.path.format(run_id=goal or "0" * 32, job_id=job or "0" * 32 + ".s1.0", name=name)
    body = {"plan": COUNT} if route == Route("PUT", "/v1/plans/{name}") else BODIES.get(route)
    return api.request(route.method, path, headers=headers, json=body)


def things_of(api: TestClient, headers: Headers, deployment: Deployment) -> Things:
    """A goal that runs, one that has ended, one that is unsure, a job that has ended, a dead letter, a saved plan."""
    deployment.ledger.set_type_state("average", TypeState.PAUSED)

    def sent(path: str, body: Any) -> Any:
        answer = api.post(path, json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    goals = [
        sent("/v1/goals", {"plan": PAUSED})["id"],
        sent("/v1/goals?wait=30", {"plan": COUNT})["id"],
        sent("/v1/goals?wait=30", {"goal": "Count or sort"})["id"],
    ]
    jobs = [sent("/v1/jobs?wait=30", body)["id"] for body in (JOB, BROKEN)]
    goals += [each.partition(".")[0] for each in jobs]
    for goal in goals[1:]:
        api.get(f"/v1/goals/{goal}?wait=30", headers=headers)
    assert api.put("/v1/plans/theirs", json={"plan": COUNT}, headers=headers).status_code == 201
    return Things(goals, [*jobs, f"{goals[0]}.s1.0"], "theirs")


def snapshot(deployment: Deployment, things: Things, tenant: str) -> Any:
    """All that the ledger knows of them."""
    ledger = deployment.ledger
    return (
        [ledger.load_run(goal) for goal in things.goals],
        [ledger.job(job) for job in things.jobs],
        [letter for letter in ledger.dead_letters() if letter.tenant == tenant],
        ledger.saved_plans(tenant),
        ledger.type_states(),
        [ledger.events(goal) for goal in things.goals],
    )


def test_with_a_key_of_one_tenant_nothing_of_another_is_seen_or_changed_by_any_route(
    deployment: Deployment, app: FastAPI, api: TestClient, acme: Headers, byte: Headers
) -> None:
    deployment.start()
    theirs = things_of(api, byte, deployment)
    before = snapshot(deployment, theirs, "byte")
    assert len(before[2]) == 1
    ids = [*theirs.goals, *theirs.jobs]
    walked = 0
    for route in routes_of(app):
        for goal in theirs.goals if "{run_id}" in route.path else [theirs.goals[0]]:
            for job in theirs.jobs if "{job_id}" in route.path else [theirs.jobs[0]]:
                answer = ask(api, route, acme | {"X-Tenant": "byte"}, goal, job, theirs.plan)
                walked += 1
                assert answer.status_code < 500 or answer.status_code == 501, (route, answer.text)
                if answer.status_code == 404:
                    assert_like_one_that_does_not_exist(api, route, acme, answer, (goal, job, theirs.plan))
                    continue
                if scope_of(route.method, route.path) is Scope.ADMIN:
                    assert answer.status_code == 403, (route, answer.text)
                assert "{run_id}" not in route.path or answer.status_code in (403, 404), route
                assert "{job_id}" not in route.path or answer.status_code in (403, 404), route
                assert not [each for each in ids if each in answer.text], route
                assert "byte" not in answer.text, route
    assert walked > 60
    assert snapshot(deployment, theirs, "byte") == before


def assert_like_one_that_does_not_exist(
    api: TestClient, route: Route, headers: Headers, answer: httpx2.Response, asked: tuple[str, ...]
) -> None:
    nothing = ("f" * 32, "f" * 32 + ".s9.0", "nowhere")
    text = answer.text
    for each, other in sorted(zip(asked, nothing, strict=True), reverse=True, key=lambda pair: len(pair[0])):
        text = text.replace(each, other)
    assert text == ask(api, route, headers, *nothing).text


def test_without_a_key_or_with_a_bad_one_no_route_is_open(
    deployment: Deployment, app: FastAPI, api: TestClient
) -> None:
    ring = Keyring(deployment.ledger)
    revoked, secret = ring.create("acme", list(Scope))
    ring.revoke(revoked.id)
    _, unknown = Keyring(type(deployment.ledger)()).create("acme", list(Scope))
    expired = key(deployment, "acme", *Scope, lifetime_s=0.0)["Authorization"]
    bad = {
        "no header": {},
        "revoked": {"Authorization": f"Bearer {secret}"},
        "expired": {"Authorization": expired},
        "unknown": {"Authorization": f"Bearer {unknown}"},
        "another form": {"Authorization": "Bearer sk-1"},
        "too long": {"Authorization": f"Bearer {'x' * 5000}"},
        "another scheme": {"Authorization": f"Basic {secret}"},
        "no secret": {"Authorization": "Bearer "},
        "a tenant's name": {"X-Tenant": "acme"},
    }
    before = deployment.ledger.list_runs(RunQuery())
    for route in routes_of(app):
        for what, headers in bad.items():
            answer = ask(api, route, headers)
            if route in FREE:
                assert answer.status_code == 200, (route, what)
                continue
            assert answer.status_code == 401, (route, what, answer.text)
            assert answer.headers["www-authenticate"].startswith('Bearer realm="manyhands"'), what
            kind = "application/json" if is_openais(route.path) else "application/problem+json"
            assert answer.headers["content-type"] == kind
            assert secret not in answer.text
    assert deployment.ledger.list_runs(RunQuery()) == before
    assert api.get("/nowhere").status_code == 401


@pytest.mark.parametrize("scope", Scope)
def test_a_key_opens_the_routes_of_its_scope_alone(
    deployment: Deployment, app: FastAPI, api: TestClient, scope: Scope
) -> None:
    headers = key(deployment, "acme", scope)
    for route in routes_of(app):
        needed = scope_of(route.method, route.path)
        answer = ask(api, route, headers)
        opens = needed in (None, scope) or scope is Scope.ADMIN
        assert (answer.status_code != 403) == opens, (route, answer.text)
        if not opens:
            said = answer.json()
            told = said["error"]["message"] if is_openais(route.path) else said["errors"][0]
            assert f"has not the scope '{needed}'" in told
            assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["www-authenticate"]


def test_each_tenant_sees_its_own_and_an_admin_all(
    deployment: Deployment, api: TestClient, acme: Headers, byte: Headers, admin: Headers
) -> None:
    deployment.start()
    things = {name: things_of(api, headers, deployment) for name, headers in (("acme", acme), ("byte", byte))}
    for name, headers in (("acme", acme), ("byte", byte)):
        assert {each["id"] for each in api.get("/v1/goals", headers=headers).json()} == set(things[name].goals)
        (letter,) = api.get("/v1/dead-letters", headers=headers).json()
        assert (letter["job_id"], letter["tenant"]) == (things[name].jobs[1], name)
        assert api.get(f"/v1/dead-letters/{letter['job_id']}", headers=headers).json()["tenant"] == name
        assert "run.ended" in api.get(f"/v1/goals/{things[name].goals[1]}/events", headers=headers).text
    assert len(api.get("/v1/goals", headers=admin).json()) == 10
    assert len(api.get("/v1/dead-letters", headers=admin).json()) == 2
    assert api.post(f"/v1/dead-letters/{things['byte'].jobs[1]}/rerun", headers=admin).status_code == 202
    assert api.delete("/v1/dead-letters?all=true", headers=admin).json()["purged"] >= 1


def test_x_tenant_counts_for_an_admin_alone(api: TestClient, acme: Headers, admin: Headers) -> None:
    named = {"X-Tenant": "byte"}
    sent = [
        api.post("/v1/jobs", json=JOB, headers=each).json()["tenant"] for each in (acme | named, admin | named, admin)
    ]
    assert sent == ["acme", "byte", "ops"]


def test_one_tenants_idempotency_key_does_not_reach_anothers_goal(
    api: TestClient, acme: Headers, byte: Headers
) -> None:
    same = {"Idempotency-Key": "k-1"}
    first, second = (api.post("/v1/jobs", json=JOB, headers=each | same) for each in (acme, byte))
    assert (first.status_code, second.status_code) == (202, 202)
    again = api.post("/v1/jobs", json=JOB, headers=byte | same | {"X-Tenant": "acme"})
    assert (again.status_code, again.headers["location"]) == (409, second.headers["location"])


def test_a_revoked_key_is_refused_within_seconds_and_its_watchers_stop(
    deployment: Deployment, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "KEPT_S", 0.2)
    monkeypatch.setattr("coordinator.api.waiting.event_stream.HEARTBEAT_S", 0.2)
    ring = Keyring(deployment.ledger)
    made, secret = ring.create("acme", [Scope.SUBMIT, Scope.READ])
    headers = {"Authorization": f"Bearer {secret}"}
    app = create_api(deployment.ledger, deployment.catalog, deployment.settings.model_copy(update={"keys": True}))
    with TestClient(app) as client:
        goal = client.post("/v1/goals", json={"plan": COUNT}, headers=headers).json()["id"]  # nobody does it
        told: list[str] = []
        watcher = threading.Thread(
            target=lambda: told.append(client.get(f"/v1/goals/{goal}/events", headers=headers).text)
        )
        watcher.start()
        time.sleep(0.3)
        ring.revoke(made.id)
        watcher.join(30)
        assert "run.accepted" in told[0]
        assert client.get("/v1/goals", headers=headers).status_code == 401


def test_a_key_costs_one_read_of_the_ledger_in_a_few_seconds(
    deployment: Deployment, api: TestClient, acme: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    of_ledger = deployment.ledger.api_key

    def counted(key_id: str) -> KeptKey | None:
        asked.append(key_id)
        return of_ledger(key_id)

    monkeypatch.setattr(deployment.ledger, "api_key", counted)
    for _ in range(5):
        assert api.get("/v1/goals", headers=acme).status_code == 200
    assert len(asked) == 1


def test_without_its_ledger_the_api_answers_503_as_ever(
    deployment: Deployment, api: TestClient, acme: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(deployment.ledger, "api_key", away)
    answer = api.get("/v1/specialists", headers=acme)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/specialists").status_code == 401


def test_a_key_is_in_no_log_line(
    deployment: Deployment, api: TestClient, acme: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = acme["Authorization"].partition(" ")[2]
    bad = secret[:-1] + ("x" if secret[-1] != "x" else "y")
    for value in (secret, bad):
        for path in ("/v1/goals", "/v1/goals/nothing", "/nowhere"):
            api.get(path, headers={"Authorization": f"Bearer {value}"})
    said = [JsonFormatter().format(record) for record in caplog.records]
    assert not [line for line in said if secret[-20:-1] in line]


def test_a_quota_is_kept_and_told(deployment: Deployment, api: TestClient, acme: Headers, byte: Headers) -> None:
    deployment.ledger.set_quota("acme", Quota(jobs_a_minute=2, running=9))
    answers = [api.post("/v1/jobs", json=JOB, headers=acme) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[0].headers["ratelimit-policy"] == '"jobs-minute";q=2;w=60, "running";q=9'
    assert answers[1].headers["ratelimit"].startswith('"jobs-minute";r=0;t=')
    assert answers[2].json()["title"] == "The tenant's quota is used up"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 120
    other = api.post("/v1/jobs", json=JOB, headers=byte)
    assert (other.status_code, "ratelimit" in other.headers) == (202, False)
    assert len(api.get("/v1/goals", headers=acme).json()) == 2


def test_a_request_sent_again_is_not_counted_again(deployment: Deployment, api: TestClient, acme: Headers) -> None:
    deployment.ledger.set_quota("acme", Quota(jobs_a_minute=1))
    same = acme | {"Idempotency-Key": "k-1"}
    assert [api.post("/v1/jobs", json=JOB, headers=same).status_code for _ in range(3)] == [202, 409, 409]


def test_later_jobs_of_a_goal_count_too(deployment: Deployment, api: TestClient, acme: Headers) -> None:
    deployment.ledger.set_quota("acme", Quota(jobs_a_minute=3))
    deployment.start()
    then = {"id": "s2", "type": "count", "args": {"items": {"$ref": "inputs.rows"}, "field": "intent"}, "after": ["s1"]}
    body = {"plan": {"steps": [*COUNT["steps"], then]}, "inputs": {"rows": [{"intent": "a"}]}}
    ended = api.post("/v1/goals?wait=30", json=body, headers=acme)
    assert (ended.status_code, ended.json()["state"]) == (202, "succeeded")
    assert [api.post("/v1/jobs", json=JOB, headers=acme).status_code for _ in range(2)] == [202, 429]


def test_no_web_page_may_use_the_api_unless_its_origin_is_named(deployment: Deployment, api: TestClient) -> None:
    asks = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in api.options("/v1/goals", headers=asks).headers
    settings = deployment.settings.model_copy(update={"keys": True, "cors_origins": ("https://desk.example",)})
    with TestClient(create_api(deployment.ledger, deployment.catalog, settings)) as opened:
        named = opened.options("/v1/goals", headers=asks)
        assert (named.status_code, named.headers["access-control-allow-origin"]) == (200, "https://desk.example")
        other = opened.options("/v1/goals", headers=asks | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        assert opened.get("/v1/goals", headers={"Origin": "https://desk.example"}).status_code == 401


def test_the_document_names_the_scope_of_each_route(app: FastAPI) -> None:
    document = app.openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            scope = scope_of(method.upper(), path)
            assert operation["security"] == ([{"key": [scope]}] if scope else []), path
            assert ({"401", "403"} <= operation["responses"].keys()) == (scope is not None), path
    json.dumps(document)
