"""What one script of the ledger would block Redis with is done in pieces; a crash between two is mended by a sweep."""

from __future__ import annotations

import pytest
import redis

from infra.ledger.redis.arguments import JOBS_A_CALL
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Claim, Job, JobState, Outcome, Provenance, Reuse, RunRecord, RunState

RUN = RunRecord(id="r1", created_ms=1, body={})
UNIQUE = Reuse(key="k", digest="d", unique=True)
SIZE = 2 * JOBS_A_CALL + 100
LEASE_MS = 60_000


class Killed(Exception):
    pass


class Dying(RedisLedger):
    """Of a process that is killed after the first piece."""

    def _repeat(self, name: str, of: str) -> None:
        if self._run(name, of, JOBS_A_CALL):
            raise Killed


@pytest.fixture
def ledger(redis_client: redis.Redis) -> RedisLedger:
    ledger = RedisLedger(redis_client, "test")
    ledger.create_run(RUN, [], [])
    return ledger


@pytest.fixture
def dying(redis_client: redis.Redis) -> RedisLedger:
    return Dying(redis_client, "test")


def jobs(round: int = 0, reuse: Reuse | None = None) -> list[Job]:
    return [
        Job(
            id=Job.name("r1", "s1", i), type="triage", input={}, run_id="r1", step_id="s1", index=i,
            round=round, reuse=reuse,
        )
        for i in range(SIZE)
    ]  # fmt: skip


def ended(run: RunRecord) -> RunRecord:
    return run.model_copy(update={"state": RunState.CANCELLED})


def states(ledger: RedisLedger) -> set[tuple[JobState, int]]:
    """The states of all jobs, with their rounds."""
    found = map(ledger.job, (job.id for job in jobs()))
    return {(status.state, status.job.round) for status in found if status}


def test_a_run_that_ended_is_closed(ledger: RedisLedger, dying: RedisLedger) -> None:
    ledger.release(jobs())
    with pytest.raises(Killed):
        dying.advance(ended(RUN), [], [], [])
    assert states(ledger) == {(JobState.CANCELLED, 0), (JobState.READY, 0)}

    ledger.sweep(LEASE_MS)

    assert states(ledger) == {(JobState.CANCELLED, 0)}


def test_a_run_that_was_taken_up_again_gets_all_its_jobs(ledger: RedisLedger, dying: RedisLedger) -> None:
    ledger.release(jobs())
    ledger.advance(ended(RUN), [], [], [])
    with pytest.raises(Killed):
        dying.reopen(RUN.model_copy(update={"version": 1}), jobs(1), [], [])
    assert states(ledger) == {(JobState.CANCELLED, 0), (JobState.READY, 1)}

    ledger.sweep(LEASE_MS)

    assert states(ledger) == {(JobState.READY, 1)}
    assert ledger.depths()["triage"]["ready"] == SIZE


def test_a_run_that_was_taken_up_again_and_ended_gets_none_any_more(ledger: RedisLedger, dying: RedisLedger) -> None:
    ledger.release(jobs())
    ledger.advance(ended(RUN), [], [], [])
    with pytest.raises(Killed):
        dying.reopen(RUN.model_copy(update={"version": 1}), jobs(1), [], [])
    ledger.advance(ended(RUN.model_copy(update={"version": 2})), [], [], [])

    ledger.sweep(LEASE_MS)

    assert states(ledger) == {(JobState.CANCELLED, 0), (JobState.CANCELLED, 1)}
    assert ledger.depths()["triage"]["ready"] == 0


def test_a_run_whose_reopening_was_never_saved_is_as_it_was(ledger: RedisLedger) -> None:
    ledger.release(jobs())
    ledger.advance(ended(RUN), [], [], [])
    stored = ledger.load_run("r1")

    assert not ledger.reopen(RUN.model_copy(update={"version": 7}), jobs(1), [], [])

    ledger.sweep(LEASE_MS)
    assert ledger.load_run("r1") == stored
    assert states(ledger) == {(JobState.CANCELLED, 0)}


def test_an_output_reaches_all_that_wait_for_it(ledger: RedisLedger, dying: RedisLedger) -> None:
    ledger.release(jobs(reuse=UNIQUE))
    claim = ledger.claim(jobs()[0].id, "w1", LEASE_MS)
    assert isinstance(claim, Claim)
    made = Provenance(worker="w1", specialist="triage@1", digest="d", engine="scripted")
    place = {"job_id": claim.job.id, "run_id": "r1", "step_id": "s1", "index": 0, "attempt": 1}
    outcome = Outcome(state=JobState.SUCCEEDED, output={"label": "refund"}, provenance=made, **place)
    with pytest.raises(Killed):
        dying.commit(outcome, claim.token)
    assert states(ledger) == {(JobState.SUCCEEDED, 0), (JobState.PENDING, 0)}

    ledger.sweep(LEASE_MS)

    assert states(ledger) == {(JobState.SUCCEEDED, 0)}
    outcomes = [outcome for _, outcome in ledger.outcomes("c1", 2 * SIZE, 0)]
    assert sorted(outcome.index for outcome in outcomes) == list(range(SIZE))
    assert {outcome.same_as for outcome in outcomes} == {None, claim.job.id}
