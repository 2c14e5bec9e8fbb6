"""Fallbacks: unsure outputs asked of a fallback, through the API, a coordinator and the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.runs.metrics import CoordinatorMetrics
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger
from infra.ledger.redis.ledger import RedisLedger
from specialists.catalog import Catalog
from tests.support.deployment import Deployment
from tests.support.story import CATALOG, with_fallback

FIRST, SECOND = {"intent": "card_arrival"}, {"intent": "lost_or_stolen_card"}
ROWS = {"items": [], "field": "x"}
JOB = {"type": "triage", "input": {"text": "Where is my card?"}}


def broken(_: Any) -> Any:
    raise ValueError("it broke")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return with_fallback()


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    return RedisLedger(request.getfixturevalue("redis_client"), "with_fallback")


@pytest.fixture
def deployment(ledger: Ledger, deploy: Callable[..., Deployment]) -> Deployment:
    deployment = deploy(ledger)
    deployment.answers |= {"triage": lambda _: FIRST, "large": lambda _: SECOND}
    deployment.confidence |= {"triage": 0.4, "large": 0.9}
    return deployment


def test_a_job_is_answered_by_the_fallback_and_says_so(deployment: Deployment, api: TestClient) -> None:
    deployment.start()
    job = api.post("/v1/jobs?wait=30", json=JOB).json()
    assert (job["state"], job["type"], job["output"], job["confidence"]) == ("succeeded", "triage", SECOND, 0.9)
    second = f"{job['id']}.large"
    assert job["fallback"] == {"id": second, "type": "large", "state": "succeeded", "first_confidence": 0.4}
    assert api.get(f"/v1/jobs/{second}").json()["output"] == SECOND
    goal = api.get(f"/v1/goals/{job['id'].partition('.')[0]}").json()
    assert (goal["result"], goal["steps"]["job"]["fallbacks"]) == (SECOND, 1)


def test_a_sure_job_is_not_escalated(deployment: Deployment, api: TestClient) -> None:
    deployment.confidence["triage"] = 0.8
    deployment.start()
    job = api.post("/v1/jobs?wait=30", json=JOB).json()
    assert (job["state"], job["output"], job["fallback"]) == ("succeeded", FIRST, None)


def test_a_job_whose_fallback_fails_keeps_its_output_and_the_letter_is_not_replayed(
    deployment: Deployment, api: TestClient
) -> None:
    deployment.answers["large"] = broken
    deployment.start()
    job = api.post("/v1/jobs?wait=30", json=JOB).json()
    assert (job["state"], job["output"], job["confidence"], job["failure"]) == ("succeeded", FIRST, 0.4, None)
    assert job["fallback"]["state"] == "failed"
    (letter,) = api.get("/v1/dead-letters").json()
    assert letter["type"] == "large"
    answer = api.post(f"/v1/dead-letters/{letter['job_id']}/rerun")
    assert answer.status_code == 409
    assert "the output of the first stands" in answer.json()["errors"][0]


def test_a_job_has_not_ended_while_another_answer_may_come(deployment: Deployment, api: TestClient) -> None:
    job_id = api.post("/v1/jobs", json=JOB).json()["id"]
    coordinator = deployment.coordinators[0]
    coordinator.dispatch_once(0)
    deployment.work(job_id)
    job = api.get(f"/v1/jobs/{job_id}").json()
    assert (job["state"], job["output"], job["fallback"]) == ("pending", None, None)  # nobody has decided yet
    coordinator.advance_once(0)
    job = api.get(f"/v1/jobs/{job_id}").json()
    assert (job["state"], job["output"], job["fallback"]["state"]) == ("ready", None, "ready")
    assert api.get(f"/v1/jobs/{job_id}?wait=0.05").json()["state"] == "ready"
    coordinator.dispatch_once(0)
    deployment.work(f"{job_id}.large")
    coordinator.advance_once(0)
    assert api.get(f"/v1/jobs/{job_id}").json()["output"] == SECOND


def test_a_job_that_is_cancelled_while_its_fallback_works_ends(deployment: Deployment, api: TestClient) -> None:
    plan = {
        "steps": [{"id": "s1", "type": "triage", "args": JOB["input"]}, {"id": "s2", "type": "count", "args": ROWS}]
    }
    goal = api.post("/v1/goals", json={"plan": plan}).json()
    job_id, coordinator = f"{goal['id']}.s1.0", deployment.coordinators[0]
    coordinator.dispatch_once(0)
    deployment.work(job_id)
    coordinator.advance_once(0)
    job = api.post(f"/v1/jobs/{job_id}/cancel").json()
    assert (job["state"], job["output"], job["fallback"]["state"]) == ("succeeded", FIRST, "cancelled")
    coordinator.advance_once(0)
    assert api.get(f"/v1/goals/{goal['id']}").json()["steps"]["s1"]["state"] == "done"


def test_the_fallbacks_job_is_cancelled_alone_though_the_other_was_sent_alone(
    deployment: Deployment, api: TestClient
) -> None:
    job_id, coordinator = asked_of_fallback(deployment, api), deployment.coordinators[0]
    assert api.post(f"/v1/jobs/{job_id}.large/cancel").json()["state"] == "cancelled"
    coordinator.advance_once(0)
    job = api.get(f"/v1/jobs/{job_id}").json()
    assert (job["state"], job["output"]) == ("succeeded", FIRST)
    assert api.get(f"/v1/goals/{job_id.partition('.')[0]}").json()["state"] == "succeeded"


def test_a_job_of_which_the_run_does_not_know_yet_is_not_told_as_ended(deployment: Deployment, api: TestClient) -> None:
    """A large run saves the release of its jobs after some of them have ended."""
    job_id = api.post("/v1/jobs", json=JOB).json()["id"]
    deployment.coordinators[0].dispatch_once(0)
    deployment.work(job_id)
    record = deployment.ledger.load_run(job_id.partition(".")[0])
    assert record
    unsaved = {**record.body, "steps": {"job": {}}}
    assert deployment.ledger.advance(record.model_copy(update={"body": unsaved}), [], [], [])
    assert api.get(f"/v1/jobs/{job_id}").json()["state"] == "pending"


def test_who_answered_does_not_change_when_the_manifest_does(deployment: Deployment, api: TestClient) -> None:
    deployment.start()
    job_id = api.post("/v1/jobs?wait=30", json=JOB).json()["id"]
    later = create_api(deployment.ledger, CATALOG, deployment.settings)  # where there is no fallback any more
    with TestClient(later) as client:
        job = client.get(f"/v1/jobs/{job_id}").json()
    assert (job["output"], job["fallback"]["type"]) == (SECOND, "large")


def test_a_goal_that_waits_for_a_paused_fallback_says_so(deployment: Deployment, api: TestClient) -> None:
    api.put("/v1/job-types/large/state", json={"state": "paused"})
    goal = api.get(f"/v1/goals/{asked_of_fallback(deployment, api).partition('.')[0]}").json()
    assert goal["paused"] == ["large"]


def asked_of_fallback(deployment: Deployment, api: TestClient) -> str:
    """The id of a job whose fallback's waits."""
    job_id, coordinator = str(api.post("/v1/jobs", json=JOB).json()["id"]), deployment.coordinators[0]
    coordinator.dispatch_once(0)
    deployment.work(job_id)
    coordinator.advance_once(0)
    return job_id


def test_a_map_counts_what_it_escalated_and_so_do_the_metrics(deployment: Deployment, api: TestClient) -> None:
    registry = CollectorRegistry()
    deployment.coordinators[0]._metrics = CoordinatorMetrics(registry)
    deployment.start()
    step = {
        "id": "s1",
        "type": "triage",
        "map": {"over": {"$ref": "inputs.m"}, "as": "t"},
        "args": {"text": {"$ref": "t"}},
    }
    asked = {"plan": {"steps": [step]}, "inputs": {"m": ["a", "b", "c"]}}
    goal = api.post("/v1/goals?wait=30", json=asked).json()
    assert goal["result"] == [SECOND] * 3
    assert (goal["steps"]["s1"]["succeeded"], goal["steps"]["s1"]["fallbacks"]) == (3, 3)
    names = {"job_type": "triage", "to": "large"}
    assert registry.get_sample_value("manyhands_jobs_fallback_total", names) == 3
    for job_type in names.values():
        labels = {"job_type": job_type, "state": "succeeded"}
        assert registry.get_sample_value("manyhands_outcomes_total", labels) == 3
    events = [event.name for _, event in deployment.ledger.events(goal["id"])]
    assert (events.count("job.fallback"), events.count("job.ended")) == (3, 3)
