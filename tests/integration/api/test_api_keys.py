"""Idempotency keys: the same request sent again is not done again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from infra.records import JobState, RunRecord
from tests.support.deployment import Deployment

JOB = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}}
GOAL = {"plan": {"steps": [{"id": "s1", "type": "count", "args": JOB["input"]}]}}
REQUESTS = [pytest.param("/v1/goals", GOAL, id="goal"), pytest.param("/v1/jobs", JOB, id="job")]


def key(value: str, **rest: str) -> dict[str, str]:
    return {"Idempotency-Key": value, **rest}


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_sent_again_while_it_runs_it_is_said_where_to_look(api: TestClient, path: str, body: Any) -> None:
    first = api.post(path, json=body, headers=key("k-1"))
    again = api.post(path, json=body, headers=key("k-1"))
    assert (first.status_code, again.status_code) == (202, 409)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["location"] == first.headers["location"]
    assert (again.json()["title"], again.json()["id"]) == ("Still running", first.json()["id"])
    assert len(api.get("/v1/goals").json()) == 1


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_sent_again_after_its_end_it_is_answered_as_it_ended(
    deployment: Deployment, api: TestClient, path: str, body: Any
) -> None:
    deployment.start()
    first = api.post(path, json=body, headers=key("k-1"))
    ended = api.get(f"{first.headers['location']}?wait=30").json()
    api.get(f"/v1/goals/{ended['id'].partition('.')[0]}?wait=30")  # a job ends a moment before its run does
    again = api.post(path, json=body, headers=key("k-1"))
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json() == ended
    assert ended["state"] == "succeeded"
    assert "idempotency-replayed" not in first.headers


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_what_means_the_same_is_the_same(api: TestClient, path: str, body: dict[str, Any]) -> None:
    first = api.post(path, json=body, headers=key("k-1"))
    said = {"priority": "normal", **dict(reversed(body.items()))}
    assert api.post(path, json=said, headers=key("k-1")).headers["location"] == first.headers["location"]


STEP = {"id": "s1", "type": "count", "args": {"items": {"$ref": "inputs.rows"}, "field": "intent"}}
PLAINLY = {"plan": {"steps": [STEP]}, "inputs": {"rows": [{"intent": "a"}]}}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"plan": {"steps": [{**STEP, "after": [], "join": "all", "on_failure": "fail"}]}}, id="step"),
        pytest.param({"plan": {"steps": [STEP], "result": {"$ref": "s1"}, "limits": {}}}, id="result"),
        pytest.param({"plan": {"steps": [STEP], "limits": {"max_replans": 2}}}, id="limits of the plan"),
        pytest.param({"limits": {"deadline_s": 600, "claim_within_s": None, "max_jobs": 10_000}}, id="limits"),
        pytest.param({"goal": None, "limits": {}}, id="nothing"),
    ],
)
def test_defaults_that_are_written_out_make_no_other_request(api: TestClient, said: Any) -> None:
    first = api.post("/v1/goals", json=PLAINLY, headers=key("k-1"))
    again = api.post("/v1/goals", json={**PLAINLY, **said}, headers=key("k-1"))
    assert (first.status_code, again.status_code) == (202, 409), again.text


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"plan": {"steps": [{**STEP, "on_failure": "skip"}]}}, id="step"),
        pytest.param({"plan": {"steps": [STEP], "result": [{"$ref": "s1"}]}}, id="result"),
        pytest.param({"plan": {"steps": [STEP], "limits": {"deadline_s": 6}}}, id="limits of the plan"),
        pytest.param({"limits": {"deadline_s": 6}}, id="limits"),
        pytest.param({"plan": {"steps": "s1"}}, id="no plan"),
        pytest.param({"plan": {"steps": [STEP], "limits": 6}}, id="no limits"),
        pytest.param({"limits": {"deadline": 600}}, id="unknown limit"),
    ],
)
def test_what_means_something_else_is_another_request(api: TestClient, said: Any) -> None:
    api.post("/v1/goals", json=PLAINLY, headers=key("k-1"))
    answer = api.post("/v1/goals", json={**PLAINLY, **said}, headers=key("k-1"))
    assert (answer.status_code, answer.json()["title"]) == (422, "The key was used for another request")


def test_the_deadline_that_a_job_has_anyway_makes_no_other_request(api: TestClient) -> None:
    api.post("/v1/jobs", json=JOB, headers=key("k-1"))
    statuses = [api.post("/v1/jobs", json={**JOB, "deadline_s": s}, headers=key("k-1")).status_code for s in (600, 6)]
    assert statuses == [409, 422]


@pytest.mark.parametrize(
    ("path", "other"),
    [
        pytest.param("/v1/jobs", {**JOB, "input": {"items": [], "field": "intent"}}, id="another input"),
        pytest.param("/v1/jobs", {**JOB, "priority": "high"}, id="another priority"),
        pytest.param("/v1/goals", GOAL, id="another path"),
    ],
)
def test_a_key_of_another_request_is_refused(api: TestClient, path: str, other: Any) -> None:
    api.post("/v1/jobs", json=JOB, headers=key("k-1"))
    answer = api.post(path, json=other, headers=key("k-1"))
    assert (answer.status_code, answer.json()["title"]) == (422, "The key was used for another request")
    assert answer.json()["errors"] == ["header Idempotency-Key: send a new key with a new request"]
    assert len(api.get("/v1/goals").json()) == 1


def test_two_tenants_may_use_the_same_key(api: TestClient) -> None:
    answers = [api.post("/v1/jobs", json=JOB, headers=key("k-1", **{"X-Tenant": name})) for name in ("a", "b")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 2


def test_of_requests_at_the_same_moment_one_is_stored(api: TestClient) -> None:
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: api.post("/v1/jobs", json=JOB, headers=key("k-1")), range(24)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 23
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(api.get("/v1/goals").json()) == 1


def test_a_large_goal_sent_again_is_stored_once(api: TestClient) -> None:
    args = {"items": [{"$ref": "item"}], "field": "value"}
    step = {**GOAL["plan"]["steps"][0], "args": args, "map": {"over": {"$ref": "inputs.rows"}, "as": "item"}}
    body = {"plan": {"steps": [step]}, "inputs": {"rows": ["x"] * 300}}
    answers = [api.post("/v1/goals", json=body, headers=key("k-1")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 409]
    assert api.get("/v1/workers").json()["depths"]["count"]["ready"] == 300


def test_a_request_sent_again_is_not_kept_out_at_the_door(deployment: Deployment) -> None:
    full = deployment.settings.model_copy(update={"backlog": 1})
    with TestClient(create_api(deployment.ledger, deployment.catalog, full)) as api:
        statuses = [api.post("/v1/jobs", json=JOB, headers=key(each)).status_code for each in ("k-1", "k-2", "k-1")]
    assert statuses == [202, 503, 409]


def test_a_request_that_was_kept_out_may_be_sent_again_with_its_key(deployment: Deployment) -> None:
    full = deployment.settings.model_copy(update={"backlog": 1})
    with TestClient(create_api(deployment.ledger, deployment.catalog, full)) as api:
        running = api.post("/v1/jobs", json=JOB).json()["id"]
        assert api.post("/v1/jobs", json=JOB, headers=key("k-1")).status_code == 503
        api.delete(f"/v1/jobs/{running}")
        assert api.post("/v1/jobs", json=JOB, headers=key("k-1")).status_code == 202


def test_a_key_whose_goal_is_forgotten_says_so(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = deployment.ledger
    with TestClient(create_api(ledger, deployment.catalog, deployment.settings)) as api:
        api.post("/v1/jobs", json=JOB, headers=key("k-1"))
        monkeypatch.setattr(ledger, "load_run", _nothing)
        answer = api.post("/v1/jobs", json=JOB, headers=key("k-1"))
    assert (answer.status_code, answer.json()["title"]) == (410, "Forgotten")


def test_a_key_whose_job_was_purged_says_so(deployment: Deployment, api: TestClient) -> None:
    deployment.start()
    broken = {"type": "table", "input": {"columns": [["x"], []]}}
    job_id = api.post("/v1/jobs", json=broken, headers=key("k-1")).json()["id"]
    assert api.get(f"/v1/goals/{job_id.partition('.')[0]}?wait=30").json()["state"] == "failed"
    assert api.delete(f"/v1/dead-letters/{job_id}").json() == {"purged": 1}
    answer = api.post("/v1/jobs", json=broken, headers=key("k-1"))
    assert (answer.status_code, answer.json()["title"]) == (410, "Forgotten")


def test_a_key_of_a_batch_says_which_of_its_jobs_were_purged(deployment: Deployment, api: TestClient) -> None:
    deployment.start()
    broken = {"type": "table", "input": {"columns": [["x"], []]}}
    first = api.post("/v1/jobs/batch", json={"jobs": [broken, JOB]}, headers=key("k-1")).json()
    for item in first["items"]:
        api.get(f"/v1/goals/{item['id'].partition('.')[0]}?wait=30")
    assert api.delete(f"/v1/dead-letters/{first['items'][0]['id']}").json() == {"purged": 1}
    again = api.post("/v1/jobs/batch", json={"jobs": [broken, JOB]}, headers=key("k-1")).json()
    assert [item["status"] for item in again["items"]] == [422, 200]
    assert "was forgotten since" in again["items"][0]["error"]["detail"]
    assert again["items"][1]["id"] == first["items"][1]["id"]


def _nothing(_: str) -> RunRecord | None:
    """What is left of a run after its retention."""


def test_a_cancelled_job_is_an_outcome_like_any(api: TestClient) -> None:
    job_id = api.post("/v1/jobs", json=JOB, headers=key("k-1")).json()["id"]
    assert api.delete(f"/v1/jobs/{job_id}").json()["state"] == JobState.CANCELLED
    again = api.post("/v1/jobs", json=JOB, headers=key("k-1"))
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")
