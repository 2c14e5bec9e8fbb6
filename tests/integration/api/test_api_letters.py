"""Dead letters, re-runs, single jobs cancelled, job types paused: through the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from infra.ledger.memory.ledger import MemoryLedger
from tests.support.deployment import Deployment

SECRET = "a secret word"
BAD = {"columns": [[SECRET, "x"], ["y"]]}  # of unequal length: `table` fails
JOB = {"type": "table", "input": BAD}


@pytest.fixture
def running(deployment: Deployment, api: TestClient) -> TestClient:
    deployment.start()
    return api


def failed_job(api: TestClient) -> str:
    job_id = str(api.post("/v1/jobs", json=JOB).json()["id"])
    run = api.get(f"/v1/goals/{job_id.partition('.')[0]}?wait=30").json()
    assert run["state"] == "failed", run
    return job_id


def test_a_failed_job_is_a_dead_letter_and_only_the_whole_view_shows_its_input(running: TestClient) -> None:
    job_id = failed_job(running)
    (letter,) = running.get("/v1/dead-letters").json()
    assert (letter["job_id"], letter["type"], letter["cause"], letter["attempt"]) == (job_id, "table", "failed", 1)
    assert "equal length" in letter["failure"]["message"]
    assert SECRET not in running.get("/v1/dead-letters").text
    whole = running.get(f"/v1/dead-letters/{job_id}").json()
    assert (whole["input"], whole["cause"], whole["tenant"]) == (BAD, "failed", "default")


def test_dead_letters_are_listed_by_type_and_cause(running: TestClient) -> None:
    job_id = failed_job(running)
    for query, found in (
        ("type=table", [job_id]),
        ("type=count", []),
        ("cause=failed", [job_id]),
        ("cause=poison", []),
        ("type=table&cause=failed&limit=1", [job_id]),
    ):
        assert [letter["job_id"] for letter in running.get(f"/v1/dead-letters?{query}").json()] == found, query


def test_the_job_of_a_letter_that_is_run_again_is_done_and_its_goal_goes_on(
    deployment: Deployment, running: TestClient
) -> None:
    job_id = failed_job(running)
    deployment.answers["table"] = lambda _: {"rows": []}
    answer = running.post(f"/v1/dead-letters/{job_id}/rerun")
    assert answer.status_code == 202
    run = running.get(f"{answer.headers['location']}?wait=30").json()
    assert (run["state"], run["result"]) == ("succeeded", {"rows": []})
    job = running.get(f"/v1/jobs/{job_id}").json()
    assert (job["state"], job["attempt"], job["output"]) == ("succeeded", 1, {"rows": []})
    assert running.get("/v1/dead-letters").json() == []
    assert running.get(f"/v1/dead-letters/{job_id}").status_code == 404


def test_a_dead_letter_whose_goal_goes_on_is_not_run_again_yet(deployment: Deployment, api: TestClient) -> None:
    steps = [
        {"id": "s1", "type": "table", "args": BAD, "on_failure": "skip"},
        {"id": "s2", "type": "triage", "args": {"text": "x"}},
    ]
    goal = api.post("/v1/goals", json={"plan": {"steps": steps}}).json()
    for _, job_id in deployment.ledger.take_ready(window=9):
        if ".s1." in job_id:
            deployment.work(job_id)
    answer = api.post(f"/v1/dead-letters/{goal['id']}.s1.0/rerun")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json()["errors"] == ["the goal still runs; wait for its end, or cancel it"]


def test_a_rerun_names_the_other_letters_that_go_with_it(deployment: Deployment, running: TestClient) -> None:
    mapped = {"map": {"over": {"$ref": "inputs.bad"}, "as": "i"}, "on_failure": "skip"}
    steps = [
        {"id": "s1", "type": "table", "args": {"columns": {"$ref": "i"}}, **mapped},
        {"id": "s2", "type": "table", "args": BAD, "after": ["s1"]},
    ]
    failed_job(running)
    asked = {"plan": {"steps": steps}, "inputs": {"bad": [BAD["columns"]] * 2}}
    goal = running.post("/v1/goals?wait=30", json=asked).json()
    deployment.answers["table"] = lambda _: {"rows": []}
    answer = running.post(f"/v1/dead-letters/{goal['id']}.s1.1/rerun").json()
    assert sorted(answer["also"]) == [f"{goal['id']}.s1.0", f"{goal['id']}.s2.0"]
    assert running.get(f"/v1/goals/{goal['id']}?wait=30").json()["state"] == "succeeded"


@pytest.mark.parametrize(
    ("then", "state"),
    [
        pytest.param({"type": "count", "args": {"items": [], "field": "x"}}, "succeeded", id="succeeded"),
        pytest.param({"type": "table", "args": BAD}, "failed", id="failed elsewhere"),
    ],
)
def test_a_letter_that_nothing_waits_for_is_not_run_again(
    deployment: Deployment, api: TestClient, then: Any, state: str
) -> None:
    first = {
        "id": "s1",
        "type": "triage",
        "map": {"over": {"$ref": "inputs.texts"}, "as": "t"},
        "args": {"text": {"$ref": "t"}},
        "join": {"quorum": 1},
    }
    asked = {"plan": {"steps": [first, {"id": "s2", "after": ["s1"], **then}]}, "inputs": {"texts": ["a", "b"]}}
    goal_id = api.post("/v1/goals", json=asked).json()["id"]
    deployment.answers["triage"] = _raise
    deployment.work(f"{goal_id}.s1.0")
    deployment.answers["triage"] = lambda _: {"intent": "x"}
    deployment.start()
    assert api.get(f"/v1/goals/{goal_id}?wait=30").json()["state"] == state
    answer = api.post(f"/v1/dead-letters/{goal_id}.s1.0/rerun")
    assert answer.status_code == 409
    assert answer.json()["errors"] == [
        "step 's1' is done without this job: 1 outputs are as many as it needs; to do it anew all the same, "
        "run the goal again from that step"
    ]


def _raise(_: Any) -> Any:
    raise ValueError("broken")


def test_an_address_without_an_id_is_none_of_all_of_them(running: TestClient) -> None:
    job_id = failed_job(running)
    assert running.delete("/v1/dead-letters/").status_code == 404
    assert running.delete("/v1/dead-letters?type=").status_code == 422
    assert [each["job_id"] for each in running.get("/v1/dead-letters").json()] == [job_id]


def test_purged_letters_are_forgotten(running: TestClient) -> None:
    first, second, third = (failed_job(running) for _ in range(3))
    assert running.delete(f"/v1/dead-letters/{first}").json() == {"purged": 1}
    assert running.delete(f"/v1/dead-letters/{first}").status_code == 404
    assert running.get(f"/v1/jobs/{first}").status_code == 404
    assert running.delete("/v1/dead-letters?cause=poison").json() == {"purged": 0}
    assert {each["job_id"] for each in running.get("/v1/dead-letters").json()} == {second, third}
    assert running.delete("/v1/dead-letters?type=table&cause=failed").json() == {"purged": 2}
    assert running.get("/v1/dead-letters").json() == []


def test_all_letters_are_purged_only_where_all_is_said(running: TestClient) -> None:
    failed_job(running)
    for query in ("", "?all=false", "?job_type=nap", "?type=nap", "?all=true&cause=failed"):
        assert running.delete(f"/v1/dead-letters{query}").status_code in (404, 422), query
    assert running.delete("/v1/dead-letters?all=true").json() == {"purged": 1}


class _AnswersTwice(MemoryLedger):
    """As one whose first answer to `purge` is lost, and whose client asks again."""

    def purge(self, job_ids: Sequence[str]) -> int:
        super().purge(job_ids)
        return super().purge(job_ids)


def test_letters_are_purged_though_the_ledger_s_first_answer_is_lost(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(_AnswersTwice())
    deployment.start()
    with TestClient(create_api(deployment.ledger, deployment.catalog, deployment.settings)) as api:
        one, _ = failed_job(api), failed_job(api)
        assert api.delete(f"/v1/dead-letters/{one}").json() == {"purged": 1}
        assert api.delete(f"/v1/dead-letters/{one}").status_code == 404
        assert api.delete("/v1/dead-letters?all=true").json() == {"purged": 1}
        assert api.get("/v1/dead-letters").json() == []


def test_a_goal_is_taken_up_again_from_what_failed_or_from_a_step(deployment: Deployment, running: TestClient) -> None:
    goal = running.post("/v1/goals?wait=30", json={"plan": {"steps": [{"id": "s1", "type": "table", "args": BAD}]}})
    goal_id = goal.json()["id"]
    assert goal.json()["state"] == "failed"
    deployment.answers["table"] = lambda _: {"rows": [{"n": 1}]}
    assert running.post(f"/v1/goals/{goal_id}/rerun").status_code == 202
    assert running.get(f"/v1/goals/{goal_id}?wait=30").json()["result"] == {"rows": [{"n": 1}]}
    deployment.answers["table"] = lambda _: {"rows": [{"n": 2}]}
    again = running.post(f"/v1/goals/{goal_id}/rerun", json={"step": "s1"})
    assert (again.status_code, again.headers["location"]) == (202, f"/v1/goals/{goal_id}")
    assert running.get(f"/v1/goals/{goal_id}?wait=30").json()["result"] == {"rows": [{"n": 2}]}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_job_sent_alone_is_cancelled_with_its_run(api: TestClient, method: str) -> None:
    job_id = api.post("/v1/jobs", json=JOB).json()["id"]
    for _ in range(2):
        answer = api.request(method, f"/v1/jobs/{job_id}{'/cancel' if method == 'POST' else ''}")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert api.get(f"/v1/goals/{job_id.partition('.')[0]}").json()["state"] == "cancelled"
    assert api.get("/v1/dead-letters").json() == []


def test_one_job_of_a_goal_is_cancelled_alone(deployment: Deployment, api: TestClient) -> None:
    step = {
        "id": "job",  # as the step of a job that is sent alone is called
        "type": "triage",
        "map": {"over": {"$ref": "inputs.messages"}, "as": "item"},
        "args": {"text": {"$ref": "item"}},
        "on_failure": "skip",
    }
    after = {"id": "s2", "type": "count", "args": {"items": [], "field": "x"}, "after": ["job"]}
    asked = {"plan": {"steps": [step, after], "result": {"$ref": "job"}}, "inputs": {"messages": ["a", "b"]}}
    goal_id = api.post("/v1/goals", json=asked).json()["id"]
    assert api.delete(f"/v1/jobs/{goal_id}.job.0").json()["state"] == "cancelled"
    deployment.answers["triage"] = lambda job: {"intent": job["text"]}
    deployment.start()
    goal = api.get(f"/v1/goals/{goal_id}?wait=30").json()
    assert (goal["state"], goal["result"]) == ("succeeded", [None, {"intent": "b"}])


def test_a_job_is_waited_for(deployment: Deployment, api: TestClient) -> None:
    job_id = api.post("/v1/jobs", json={"type": "count", "input": {"items": [], "field": "x"}}).json()["id"]
    assert api.get(f"/v1/jobs/{job_id}?wait=0.05").json()["state"] == "ready"
    deployment.start()
    assert api.get(f"/v1/jobs/{job_id}?wait=30").json()["state"] == "succeeded"


def test_a_type_is_paused_and_opened(deployment: Deployment, running: TestClient) -> None:
    assert running.get("/v1/job-types/count").json()["state"] == "open"
    paused = running.put("/v1/job-types/count/state", json={"state": "paused"})
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    assert {each["name"]: each["state"] for each in running.get("/v1/job-types").json()}["count"] == "paused"
    job_id = running.post("/v1/jobs", json={"type": "count", "input": {"items": [], "field": "x"}}).json()["id"]
    assert running.get(f"/v1/jobs/{job_id}?wait=0.3").json()["state"] == "ready"
    assert running.put("/v1/job-types/count/state", json={"state": "open"}).json()["state"] == "open"
    assert running.get(f"/v1/jobs/{job_id}?wait=30").json()["state"] == "succeeded"


def test_who_asks_and_how_urgently_is_shown(api: TestClient) -> None:
    asked = {**JOB, "priority": "high", "deadline_s": 30, "claim_within_s": 5}
    job = api.post("/v1/jobs", json=asked, headers={"X-Tenant": "acme"}).json()
    assert (job["tenant"], job["priority"], job["same_as"]) == ("acme", "high", None)
    goal = api.get(f"/v1/goals/{job['id'].partition('.')[0]}").json()
    assert (goal["tenant"], goal["priority"]) == ("acme", "high")
    assert job["deadline_ms"] == goal["deadline_ms"] == goal["created_ms"] + 30_000
