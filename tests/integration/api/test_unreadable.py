"""Records in Redis that another version wrote, or nobody: each costs its own run at most, and stops no coordinator."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from coordinator.runs.run import UnreadableRun
from infra.ledger.redis.ledger import RedisLedger
from infra.records import FailureKind, JobState, Refusal, RunState, TypeState
from tests.contracts.ledger.given import RUN, a_job
from tests.support.deployment import Deployment

PREFIX = "unread-test"
SECRET = "the customer's own words"
PLACE = {"job_id": "r1.s1.0", "run_id": "r1", "step_id": "s1", "index": 0, "attempt": 1}
PLAN = {"steps": [{"id": "s1", "type": "triage", "args": {"text": {"$ref": "inputs.text"}}}]}


@pytest.fixture
def ledger(redis_client: redis.Redis) -> RedisLedger:
    return RedisLedger(redis_client, PREFIX)


@pytest.fixture
def goals(ledger: RedisLedger, deploy: Callable[..., Deployment]) -> Goals:
    """Of a deployment that runs."""
    deployment = deploy(ledger)
    deployment.answers["triage"] = lambda _: {"intent": "card_arrival"}
    deployment.start()
    return Goals(ledger, deployment.catalog, deployment.settings)


def add(client: redis.Redis, outcome: str) -> None:
    client.xadd(f"{PREFIX}:outcomes", {"outcome": outcome})


def test_an_outcome_with_a_field_of_a_newer_version_counts_as_a_failure(
    ledger: RedisLedger, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    add(redis_client, json.dumps(PLACE | {"state": "succeeded", "output": {"x": SECRET}, "mood": SECRET}))
    [(_, outcome)] = ledger.outcomes("c1", 10, 0)
    assert (outcome.job_id, outcome.state) == ("r1.s1.0", JobState.FAILED)
    assert outcome.failure
    assert (outcome.failure.kind, "extra_forbidden" in outcome.failure.message) == (FailureKind.ENGINE, True)
    assert "it does not read (extra_forbidden)" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"job_id": 1}', '"words"', "[" * 5_000])
def test_an_outcome_that_says_not_whose_it_is_is_dropped_and_said(
    ledger: RedisLedger, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    add(redis_client, text)
    add(redis_client, json.dumps(PLACE | {"state": "succeeded", "output": {}}))
    [(_, outcome)] = ledger.outcomes("c1", 10, 0)
    assert outcome.state is JobState.SUCCEEDED
    assert ledger.unacknowledged() == 1
    assert "an outcome is dropped" in caplog.text


def test_a_goal_whose_outcome_does_not_read_fails_and_the_others_go_on(
    goals: Goals, ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    ledger.set_type_state("triage", TypeState.PAUSED)
    broken = goals.accept(Goal(plan=PLAN, inputs={"text": "a"}))
    place = PLACE | {"job_id": f"{broken.id}.s1.0", "run_id": broken.id}
    add(redis_client, json.dumps(place | {"state": "succeeded", "output": {}, "mood": 1}))
    failed = goals.wait(broken.id, 60)
    assert failed.state is RunState.FAILED
    assert failed.failure
    assert "its outcome does not read" in failed.failure.message


def test_a_run_whose_record_is_none_stops_neither_coordinator_nor_list(
    goals: Goals, ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    broken = goals.accept(Goal(plan=PLAN, inputs={"text": "a"}))
    goals.wait(broken.id, 60)
    redis_client.hset(f"{PREFIX}:run:{broken.id}", "record", '{"id": 1}')
    add(redis_client, json.dumps(PLACE | {"run_id": broken.id, "state": "succeeded", "output": {}}))
    whole = goals.accept(Goal(plan=PLAN, inputs={"text": "b"}))
    assert goals.wait(whole.id, 60).state is RunState.SUCCEEDED
    assert [run.id for run in goals.recent(10)] == [whole.id]
    with pytest.raises(UnreadableRun, match="does not read: missing, string_type"):
        goals.load(broken.id)


def test_a_job_with_a_field_of_a_newer_version_is_left_to_newer_workers(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    ledger.create_run(RUN, [a_job()], [])
    ledger.take_ready(10)
    key = f"{PREFIX}:job:r1.s1.0"
    written = redis_client.get(key)
    redis_client.set(key, json.dumps(json.loads(str(written)) | {"mood": "x"}), keepttl=True)
    assert ledger.claim("r1.s1.0", "old@here", 60_000) is Refusal.PAUSED
    redis_client.set(key, str(written), keepttl=True)
    status = ledger.job("r1.s1.0")
    assert status
    assert (status.state, status.attempt) == (JobState.PENDING, 1)
