"""Large values of inputs are stored once a run, which nobody sees but Redis; and what a waiting job costs there."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from infra.ledger.payloads import LARGE_BYTES
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Claim, Failure, FailureKind, Job, JobState, Json, Outcome, Refusal, RunRecord, RunState
from tests.support.eventually import eventually
from tests.support.jobs import status_of

RUN = RunRecord(id="r1", created_ms=1, body={})
TEXT = "Each clause of this contract, as it was on the day. " * 1_000
LEASE_MS = 60_000
WAIT_S = 30


@pytest.fixture
def ledger(redis_client: redis.Redis) -> RedisLedger:
    ledger = RedisLedger(redis_client, "test")
    ledger.create_run(RUN, [], [])
    return ledger


@pytest.fixture
def client(redis_client: redis.Redis) -> Any:
    return redis_client  # redis-py types its answers as "awaitable or not"


def a_job(index: int = 0, input: Json | None = None, run_id: str = "r1", round: int = 0) -> Job:
    return Job(
        id=Job.name(run_id, "s1", index),
        type="triage",
        input={"text": TEXT, "index": index} if input is None else input,
        run_id=run_id,
        step_id="s1",
        index=index,
        round=round,
    )


def claimed(ledger: RedisLedger, job: Job) -> Claim:
    claim = ledger.claim(job.id, "w1", LEASE_MS)
    assert isinstance(claim, Claim)
    return claim


def failed(ledger: RedisLedger, job: Job) -> None:
    claim = claimed(ledger, job)
    failure = Failure(kind=FailureKind.ENGINE, message="the engine stopped")
    place = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index, "attempt": 1}
    assert ledger.commit(Outcome(state=JobState.FAILED, failure=failure, **place), claim.token)


def ended(ledger: RedisLedger) -> RunRecord:
    """End the stored run; as it is stored then."""
    run = ledger.load_run("r1")
    assert run is not None
    run = run.model_copy(update={"state": RunState.FAILED})
    assert ledger.advance(run, [], [], [])
    return run.model_copy(update={"version": run.version + 1})


def used_bytes(client: redis.Redis) -> int:
    """By the data. What was emptied before may still be on its way out."""
    eventually(lambda: client.info("memory")["lazyfree_pending_objects"] == 0)
    memory = client.info("memory")
    return int(memory["used_memory"] - memory["mem_aof_buffer"] - memory["mem_clients_normal"])


def test_a_waiting_job_of_an_ordinary_input_takes_a_kilobyte_and_a_half_at_most(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    size, text = 2_000, "I was charged twice for my order, and the shop does not answer. " * 3
    before = used_bytes(client)

    ledger.release(
        a_job(i, {"text": text}).model_copy(update={"deadline_ms": 2_000_000_000_000, "tenant": "acme", "tokens": 60})
        for i in range(size)
    )

    assert 0 < used_bytes(client) - before <= 1_500 * size


def test_what_all_jobs_of_a_step_share_is_stored_once(ledger: RedisLedger, client: redis.Redis) -> None:
    size = 600
    before = used_bytes(client)

    ledger.release(a_job(i) for i in range(size))

    assert client.hlen("test:payloads:r1") == 1
    assert used_bytes(client) - before < 1_500 * size + 2 * len(TEXT)
    assert all(status_of(ledger, a_job(i).id).job == a_job(i) for i in range(0, size, 100))


@pytest.mark.parametrize(
    "input",
    [
        {"first": 1, "text": TEXT, "last": None},
        {"one": TEXT, "two": TEXT, "three": TEXT + "!"},
        {"list": [{"clause": i, "note": 'naïve – 数据 🐝 \u0000 \\ "'} for i in range(500)], "empty": []},
        {"object": {"text": TEXT}, "none": None},
        {"[": TEXT, "a\nb": TEXT, '"': "\n"},
    ],
)
def test_large_values_come_back_as_they_were(ledger: RedisLedger, input: Json) -> None:
    job = a_job(0, input)
    ledger.release([job])

    claim = claimed(ledger, job)

    status = ledger.job(job.id)
    assert status is not None
    assert claim.job == status.job == job
    assert list(claim.job.input) == list(input)


def test_a_value_is_large_above_four_kilobytes_of_json(ledger: RedisLedger, client: redis.Redis) -> None:
    just_small = "x" * (LARGE_BYTES - 2)  # and two quotes
    ledger.release([a_job(0, {"text": just_small}), a_job(1, {"list": ["small"]})])
    assert not client.exists("test:payloads:r1")

    ledger.release([a_job(2, {"text": just_small + "x"})])
    assert client.hlen("test:payloads:r1") == 1


def test_the_first_jobs_of_a_run_share_as_well(redis_client: redis.Redis, client: redis.Redis) -> None:
    ledger = RedisLedger(redis_client, "test")

    ledger.create_run(RUN, [a_job(0), a_job(1)], [])

    assert client.hlen("test:payloads:r1") == 1
    assert claimed(ledger, a_job(1)).job == a_job(1)


def test_jobs_of_two_runs_share_nothing(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.create_run(RUN.model_copy(update={"id": "r2"}), [], [])

    ledger.release([a_job(0), a_job(0, run_id="r2"), a_job(1)])

    assert client.hlen("test:payloads:r1") == client.hlen("test:payloads:r2") == 1


def test_releasing_again_after_a_crash_stores_what_is_missing(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.release([a_job(0)])

    assert ledger.release([a_job(0), a_job(1)]) == 1

    assert client.hlen("test:payloads:r1") == 1
    assert claimed(ledger, a_job(1)).job == a_job(1)


def test_large_values_are_kept_as_long_as_their_run(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.release([a_job(0)])
    failed(ledger, a_job(0))
    assert client.ttl("test:payloads:r1") == -1

    ended(ledger)

    assert 0 < client.ttl("test:payloads:r1") <= client.ttl("test:run:r1")


def test_for_a_run_that_has_ended_none_are_stored(ledger: RedisLedger, client: redis.Redis) -> None:
    ended(ledger)

    assert ledger.release([a_job(0)]) == 0

    assert not client.exists("test:payloads:r1")


def test_a_run_that_is_taken_up_again_keeps_its_large_values(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.release([a_job(0), a_job(1)])
    failed(ledger, a_job(0))
    run = ended(ledger).model_copy(update={"state": RunState.RUNNING})
    other = {"text": TEXT + "!"}

    assert ledger.reopen(run, [a_job(0, round=1), a_job(1, other, round=1)], [], [])

    assert client.hlen("test:payloads:r1") == 2
    assert client.ttl("test:payloads:r1") == -1
    assert claimed(ledger, a_job(0)).job == a_job(0, round=1)
    assert claimed(ledger, a_job(1)).job == a_job(1, other, round=1)


def test_a_job_whose_large_values_are_gone_is_unknown_and_stays_in_no_line(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    ledger.release([a_job(0), a_job(1), a_job(2, {"text": "small"})])
    client.delete("test:payloads:r1")
    client.delete("test:job:r1.s1.2")
    ledger.take_ready(10)

    assert [ledger.job(a_job(i).id) for i in range(3)] == [None] * 3
    assert [ledger.claim(a_job(i).id, "w1", LEASE_MS) for i in range(3)] == [Refusal.UNKNOWN] * 3

    assert not any(ledger.depths()["triage"].values())
    assert [outcome.state for _, outcome in ledger.outcomes("c1", 10, 0)] == [JobState.CANCELLED] * 3


def test_a_dead_letter_is_purged_without_what_others_need(ledger: RedisLedger) -> None:
    ledger.release([a_job(0), a_job(1)])
    failed(ledger, a_job(0))

    assert ledger.purge([a_job(0).id]) == 1

    assert ledger.job(a_job(0).id) is None
    assert claimed(ledger, a_job(1)).job == a_job(1)
