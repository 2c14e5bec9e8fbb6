"""The HTTP API over a coordinator and a worker that answers from a table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.goals.goals import Goals
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Json, RunRecord
from tests.support.answers import planned, refused
from tests.support.deployment import Deployment
from tests.support.story import SORT, ref

DRAFT = {
    "steps": [
        SORT,
        {"id": "s2", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1")]}},
        {"id": "s3", "type": "count", "args": {"items": ref("s1"), "field": "intent"}},
    ]
}
MESSAGES = ["my card is lost", "what is the rate", "my card is stolen"]
INTENTS = {
    "my card is lost": "lost_or_stolen_card",
    "my card is stolen": "lost_or_stolen_card",
    "what is the rate": "exchange_rate",
}


@pytest.fixture
def running(deployment: Deployment, api: TestClient) -> TestClient:
    deployment.answers |= {
        "planner": lambda _: planned(*DRAFT["steps"]),
        "triage": lambda job: {"intent": INTENTS[job["text"]]},
    }
    deployment.start()
    return api


def test_a_goal_in_words_is_planned_done_and_answered(running: TestClient) -> None:
    answer = running.post("/v1/goals?wait=30", json={"goal": "Sort and count", "inputs": {"messages": MESSAGES}})
    assert answer.status_code == 202
    goal = answer.json()
    assert answer.headers["location"] == f"/v1/goals/{goal['id']}"
    assert goal["state"] == "succeeded", goal
    assert [row["value"] for row in goal["result"]["s2"]["rows"]] == MESSAGES
    assert goal["result"]["s3"]["counts"][0] == {"value": "lost_or_stolen_card", "count": 2}
    assert [step["type"] for step in goal["plan"]["steps"]] == ["triage", "table", "count"]


def test_a_plan_needs_no_planner(running: TestClient) -> None:
    asked = {"plan": {**DRAFT, "result": ref("s3.total")}, "inputs": {"messages": MESSAGES}}
    goal = running.post("/v1/goals", json=asked, headers={"Prefer": "wait=30"}).json()
    assert (goal["result"], goal["goal"]) == (3, None)
    assert "planner" not in goal["steps"]


def test_without_wait_a_goal_is_accepted_and_looked_at_later(running: TestClient) -> None:
    goal_id = running.post("/v1/goals", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    assert running.get(f"/v1/goals/{goal_id}?wait=30").json()["state"] == "succeeded"
    assert [goal["id"] for goal in running.get("/v1/goals").json()] == [goal_id]


def test_a_planner_without_a_plan_that_can_run_ends_the_goal_with_the_reasons(
    deployment: Deployment, running: TestClient
) -> None:
    deployment.answers["planner"] = lambda _: planned({**SORT, "type": "sumarize"})
    goal = running.post("/v1/goals?wait=30", json={"goal": "Sort", "inputs": {"messages": MESSAGES}}).json()
    assert (goal["state"], goal["failure"]["kind"]) == ("failed", "plan")
    assert "unknown job type" in goal["failure"]["faults"][0]


def test_the_planner_is_told_the_inputs_and_the_job_types(deployment: Deployment, running: TestClient) -> None:
    asked: list[Any] = []

    def answer(job: Json) -> Json:
        asked.append(job)
        return refused()

    deployment.answers["planner"] = answer
    rows = [{"title": "x" * 300, "$ref": "inputs.rows"}] * 3
    running.post("/v1/goals?wait=30", json={"goal": "Sort", "inputs": {"rows": rows}})
    (job,) = asked
    assert job["inputs"]["rows"]["sample"] == [{"title": "x" * 160, "$ref": "inputs.rows"}] * 2
    assert job["inputs"]["rows"]["schema"]["items"]["required"] == ["title", "$ref"]
    offered = {offer["name"]: offer for offer in job["job_types"]}
    assert offered["count"]["function"]
    assert "intent" in offered["triage"]["output"]["properties"]


def test_a_job_that_fails_ends_the_goal_and_names_the_item(deployment: Deployment, running: TestClient) -> None:
    goal = running.post(
        "/v1/goals?wait=30",
        json={"plan": {"steps": [{"id": "s1", "type": "table", "args": {"columns": [[1, 2], [3]]}}]}},
    ).json()
    assert goal["state"] == "failed"
    assert (goal["failure"]["step"], goal["failure"]["index"]) == ("s1", 0)
    assert "equal length" in goal["failure"]["message"]


def test_one_typed_job_needs_no_plan(running: TestClient) -> None:
    answer = running.post("/v1/jobs?wait=30", json={"type": "triage", "input": {"text": "what is the rate"}})
    job = answer.json()
    assert (answer.status_code, job["state"], job["output"]) == (202, "succeeded", {"intent": "exchange_rate"})
    assert running.get(answer.headers["location"]).json() == job


def test_a_jobs_input_with_a_reference_in_it_is_data(running: TestClient) -> None:
    items = [{"field": ref("inputs.job")}]
    answer = running.post("/v1/jobs?wait=30", json={"type": "count", "input": {"items": items, "field": "field.$ref"}})
    assert answer.json()["output"]["counts"] == [{"value": "inputs.job", "count": 1}]


def test_a_cancelled_goal_ends_and_its_jobs_with_it(api: TestClient) -> None:
    goal_id = api.post("/v1/goals", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    assert api.post(f"/v1/goals/{goal_id}/cancel").json()["state"] == "cancelled"
    assert api.delete(f"/v1/goals/{goal_id}").json()["state"] == "cancelled"
    assert api.get(f"/v1/jobs/{goal_id}.s1.0").json()["state"] == "cancelled"


def events_of(client: TestClient, goal_id: str, after: str | None = None) -> list[dict[str, str]]:
    text = client.get(f"/v1/goals/{goal_id}/events", headers={"Last-Event-ID": after} if after else {}).text
    blocks = [block for block in text.split("\n\n") if block.startswith("id: ")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def test_the_events_tell_the_goal_from_accepted_to_ended(running: TestClient) -> None:
    goal_id = running.post("/v1/goals", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    names = [event["event"] for event in events_of(running, goal_id)]
    assert names[:3] == ["run.accepted", "plan.accepted", "step.released"]
    assert names.count("job.ended") == 5
    assert names[-1] == "run.ended"


def test_a_watcher_resumes_after_the_last_event_it_saw(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    events = events_of(running, goal_id)
    assert events_of(running, goal_id, events[3]["id"]) == events[4:]
    assert events_of(running, goal_id, events[-1]["id"]) == []


def test_no_event_holds_a_message_or_an_answer(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    text = running.get(f"/v1/goals/{goal_id}/events").text
    assert not any(words in text for words in (*MESSAGES, *INTENTS.values()))


def test_the_deployment_shows_what_it_can_do(running: TestClient) -> None:
    names = [job_type["name"] for job_type in running.get("/v1/job-types").json()]
    assert {"planner", "triage", "count"} <= set(names)
    assert running.get("/v1/job-types/triage").json()["input_schema"]["required"] == ["text"]
    assert len(running.get("/v1/specialists").json()[0]["digest"]) == 64
    assert running.get("/v1/workers").json()["workers"] == {}
    assert (running.get("/livez").status_code, running.get("/readyz").status_code) == (200, 200)
    assert "/v1/goals" in running.get("/openapi.json").json()["paths"]
    assert running.get("/docs").status_code == 200


def test_a_request_that_finds_no_place_to_wait_is_told_to_come_again(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    monkeypatch.setattr("coordinator.api.build.WAITING", 0)
    goal_id = api.post("/v1/goals", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    with TestClient(create_api(deployment.ledger, deployment.catalog, deployment.settings)) as full:
        for answer in (
            full.post("/v1/goals?wait=9", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}),
            full.post("/v1/jobs?wait=9", json={"type": "triage", "input": {"text": "x"}}),
            full.get(f"/v1/goals/{goal_id}?wait=9"),
            full.get(f"/v1/goals/{goal_id}/events"),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert answer.headers["content-type"] == "application/problem+json"
        assert full.get(f"/v1/goals/{goal_id}").status_code == 200
        assert [goal["id"] for goal in full.get("/v1/goals").json()] == [goal_id]  # what was refused is not accepted


def test_waiting_and_watching_give_their_place_back(
    deployment: Deployment, running: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.api.build.WAITING", 1)
    with TestClient(create_api(deployment.ledger, deployment.catalog, deployment.settings)) as client:
        for _ in range(2):
            goal = client.post("/v1/goals?wait=30", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()
            assert goal["state"] == "succeeded", goal
            assert events_of(client, goal["id"])


def test_the_process_answers_while_every_thread_is_held(
    deployment: Deployment, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.api.build.THREADS", 1)
    app = create_api(deployment.ledger, deployment.catalog, deployment.settings)
    goal_id = api.post("/v1/goals", json={"plan": DRAFT, "inputs": {"messages": MESSAGES}}).json()["id"]
    with TestClient(app) as client, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.get, f"/v1/goals/{goal_id}/events")
        for _ in range(50):
            assert client.get("/livez").status_code == 200
        assert not waiting.done()
        Goals(deployment.ledger, deployment.catalog, deployment.settings).cancel(goal_id)
        assert waiting.result().status_code == 200


class _CutOff(MemoryLedger):
    def ping(self) -> None:
        raise LedgerUnavailable("cut off")

    def load_run(self, run_id: str) -> RunRecord | None:
        raise LedgerUnavailable("cut off")


def test_an_outage_of_the_ledger_is_a_503_that_says_when_to_try_again(deployment: Deployment) -> None:
    with TestClient(create_api(_CutOff(), deployment.catalog, deployment.settings)) as client:
        for path in ("/readyz", "/v1/goals/x", "/v1/goals/x/events"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert answer.json()["title"] == "The ledger does not answer"
        assert client.get("/livez").status_code == 200
