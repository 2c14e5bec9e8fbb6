"""An id in an index of Redis whose job is gone, or has ended, is taken out of it, and stops nobody.

No call leaves one. A key that was evicted or deleted, or a fault of a former version, does.
"""

from __future__ import annotations

from typing import Any

import pytest
import redis

from infra.ledger.redis.arguments import JOBS_A_CALL
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Claim, Failure, FailureKind, Job, JobState, Outcome, Reuse, RunRecord

LEASE_MS = 60_000
UNIQUE = Reuse(key="k", digest="d", unique=True)
LINE = "test:line:triage:1:default"
INDICES = ("test:deadlines", "test:running:triage", "test:sent:triage", "test:pending:triage")


@pytest.fixture
def ledger(redis_client: redis.Redis) -> RedisLedger:
    ledger = RedisLedger(redis_client, "test")
    ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [], [])
    return ledger


@pytest.fixture
def client(redis_client: redis.Redis) -> Any:
    return redis_client  # redis-py types its answers as "awaitable or not"


def a_job(index: int, **fields: Any) -> Job:
    place = {"id": Job.name("r1", "s1", index), "run_id": "r1", "step_id": "s1", "index": index}
    return Job.model_validate({"type": "triage", "input": {}} | place | fields)


def failed(ledger: RedisLedger, job: Job) -> None:
    claim = ledger.claim(job.id, "w1", LEASE_MS)
    assert isinstance(claim, Claim)
    place = {"job_id": job.id, "run_id": "r1", "step_id": "s1", "index": job.index, "attempt": 1}
    failure = Failure(kind=FailureKind.ENGINE, message="no")
    assert ledger.commit(Outcome(state=JobState.FAILED, failure=failure, **place), claim.token)


def test_of_a_line_are_taken_only_jobs_that_there_are(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.release(a_job(i, tokens=10) for i in range(4))
    failed(ledger, a_job(1, tokens=10))
    client.zadd(LINE, {a_job(1).id: 0})  # before all others
    client.delete("test:state:r1.s1.0")

    assert ledger.take_ready(10) == [("triage", a_job(i).id) for i in (2, 3)]

    for index in (2, 3):
        failed(ledger, a_job(index))
    assert ledger.take_ready(10) == []
    assert ledger.loads(["triage"])["triage"].tokens == 0
    assert not client.exists(LINE)


@pytest.mark.parametrize("index", INDICES)
def test_an_index_is_rid_of_what_is_no_job_any_more(ledger: RedisLedger, client: redis.Redis, index: str) -> None:
    ledger.release([a_job(0)])
    failed(ledger, a_job(0))
    client.zadd(index, {a_job(0).id: 1, "r1.s1.99": 1})

    assert ledger.sweep(0) == []
    assert ledger.take_ready(10) == []

    assert not client.exists(index)
    assert [outcome.state for _, outcome in ledger.outcomes("c1", 10, 0)] == [JobState.FAILED]
    assert ledger.loads(["triage"])["triage"].tokens == 0


@pytest.mark.parametrize("index", INDICES)
def test_more_of_them_than_one_script_looks_at_end_too(ledger: RedisLedger, client: redis.Redis, index: str) -> None:
    ledger.release([a_job(0)])
    client.zadd(index, {f"r9.s1.{i}": 1 for i in range(2 * JOBS_A_CALL)})

    ledger.sweep(0)

    assert ledger.take_ready(10) == [("triage", a_job(0).id)]
    assert client.zscore(index, "r9.s1.0") is None


def test_if_the_first_of_those_behind_a_job_is_gone_the_next_does_it(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.release(a_job(i, reuse=UNIQUE) for i in range(3))
    client.delete("test:state:r1.s1.1")

    failed(ledger, a_job(0))

    assert ledger.take_ready(10) == [("triage", a_job(2).id)]
