"""Jobs and runs that nobody wants any more, and how their workers hear of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import JobState
from tests.contracts.ledger.given import (
    LEASE_MS,
    RUN,
    a_job,
    claimed,
    counts,
    end_run,
    failure_of,
    outcomes_now,
    state_of,
    succeeded,
    success_of,
)


def test_jobs_are_cancelled_wherever_they_are(ledger: Ledger) -> None:
    jobs = [a_job(i, round=1) for i in range(4)]
    ledger.release(jobs)
    ledger.take_ready(2)
    claimed(ledger, jobs[0])
    waits = claimed(ledger, jobs[2])
    ledger.commit(failure_of(waits), waits.token, 60_000)
    assert counts(ledger) == {"running": 1, "sent": 1, "pending": 1, "ready": 1}

    assert ledger.cancel([job.id for job in jobs]) == 4

    outcomes = outcomes_now(ledger)
    assert sorted((outcome.index, outcome.attempt) for outcome in outcomes) == [(0, 1), (1, 0), (2, 1), (3, 0)]
    assert {(outcome.state, outcome.round) for outcome in outcomes} == {(JobState.CANCELLED, 1)}
    assert counts(ledger) == {}
    assert ledger.take_ready(10) == []


def test_what_is_unknown_or_has_ended_is_not_cancelled(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    succeeded(ledger, a_job(0))

    assert ledger.cancel([a_job(0).id, a_job(1).id, a_job(1).id, "r9.s1.0"]) == 1
    assert ledger.cancel([a_job(1).id]) == 0
    assert ledger.cancel([]) == 0

    assert state_of(ledger, a_job(0)) is JobState.SUCCEEDED


def test_many_jobs_are_cancelled_in_one_call(ledger: Ledger) -> None:
    jobs = [a_job(i) for i in range(1_200)]
    ledger.release(jobs)

    assert ledger.cancel([job.id for job in jobs]) == 1_200

    assert counts(ledger) == {}
    assert ledger.unacknowledged() == 1_200


def test_a_cancelled_job_is_fenced_and_its_worker_is_told_once(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job(), worker="w7")

    ledger.cancel([a_job().id])

    assert ledger.stops("w1", 0) == []
    assert ledger.stops("w7", 0) == [claim.token]
    assert ledger.stops("w7", 0) == []
    assert ledger.renew({a_job().id: claim.token}, LEASE_MS) == [a_job().id]
    assert not ledger.commit(success_of(claim), claim.token)


def test_no_worker_is_told_of_jobs_that_none_has_claimed(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    ledger.take_ready(1)

    ledger.cancel([a_job(0).id, a_job(1).id])

    assert ledger.stops("w1", 0) == []


def test_ending_a_run_tells_the_workers_of_its_jobs(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job(i) for i in range(3)], [])
    tokens = [claimed(ledger, a_job(i), worker="w1" if i else "w2").token for i in range(3)]

    end_run(ledger)

    assert sorted(ledger.stops("w1", 0)) == sorted(tokens[1:])
    assert ledger.stops("w2", 0) == tokens[:1]


def test_waiting_for_stops_returns_with_the_first_one(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.stops, "w1", 30_000)
        ledger.cancel([a_job().id])
        assert waiting.result(timeout=30) == [claim.token]


def test_waiting_for_stops_that_do_not_come_returns_nothing(ledger: Ledger) -> None:
    assert ledger.stops("w1", 20) == []
