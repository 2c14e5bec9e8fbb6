"""Until when a job may wait to be claimed."""

from __future__ import annotations

from infra.records import Failure, FailureKind, JobState, Refusal, Reuse
from tests.contracts.ledger.given import LEASE_MS, TimedLedger, a_job, claimed, counts, failure_of, outcomes_now


def test_a_job_that_was_not_claimed_within_its_queue_time_expires(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(i, claim_within_s=0.1) for i in range(2)] + [a_job(2)])
    ledger.take_ready(1)
    timed.passes(110)

    assert ledger.sweep(LEASE_MS) == []

    outcomes = outcomes_now(ledger)
    assert [(outcome.index, outcome.state) for outcome in outcomes] == [(0, JobState.EXPIRED), (1, JobState.EXPIRED)]
    assert outcomes[0].failure == Failure(kind=FailureKind.EXPIRED, message="it was not claimed in time")
    assert counts(ledger) == {"ready": 1}


def test_a_claim_after_the_queue_time_is_refused_as_expired(timed: TimedLedger) -> None:
    timed.ledger.release([a_job(claim_within_s=0.02)])
    timed.passes(30)

    assert timed.ledger.claim(a_job().id, "w1", LEASE_MS) is Refusal.EXPIRED


def test_a_job_that_is_late_is_not_put_on_the_queue(timed: TimedLedger) -> None:
    timed.ledger.release([a_job(0, claim_within_s=0.02), a_job(1, deadline_ms=timed.now_ms() + 20), a_job(2)])
    timed.passes(30)

    assert timed.ledger.take_ready(10) == [("triage", a_job(2).id)]
    assert len(outcomes_now(timed.ledger)) == 2


def test_the_queue_time_counts_to_the_first_claim_alone(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(i, claim_within_s=0.5) for i in range(3)])
    handed = claimed(ledger, a_job(0))
    retried = claimed(ledger, a_job(1))
    claimed(ledger, a_job(2), lease_ms=20)
    ledger.hand_back(a_job(0).id, handed.token)
    ledger.commit(failure_of(retried), retried.token, 50)
    timed.passes(520)

    ledger.sweep(LEASE_MS)
    ledger.take_ready(10)

    assert counts(ledger) == {"sent": 3}
    assert ledger.unacknowledged() == 0


def test_a_queue_time_beyond_the_deadline_says_nothing(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(claim_within_s=60, deadline_ms=timed.now_ms() + 20)])
    timed.passes(30)
    ledger.sweep(LEASE_MS)

    [outcome] = outcomes_now(ledger)
    assert outcome.failure is not None
    assert outcome.failure.message == "its deadline passed before an answer"


def test_the_queue_time_of_a_job_that_waits_for_another_counts_from_when_it_is_ready(timed: TimedLedger) -> None:
    ledger, unique = timed.ledger, Reuse(key="k", digest="d", unique=True)
    ledger.release([a_job(0, reuse=unique), a_job(1, reuse=unique, claim_within_s=0.2)])
    first = claimed(ledger, a_job(0))
    timed.passes(210)
    ledger.sweep(LEASE_MS)
    assert counts(ledger) == {"running": 1, "pending": 1}

    ledger.commit(failure_of(first), first.token)
    ledger.sweep(LEASE_MS)
    assert counts(ledger) == {"ready": 1, "failed": 1}

    timed.passes(210)
    ledger.sweep(LEASE_MS)
    assert [(outcome.index, outcome.state) for outcome in outcomes_now(ledger)] == [
        (0, JobState.FAILED),
        (1, JobState.EXPIRED),
    ]


def test_a_job_that_waited_for_another_is_claimed_within_its_queue_time_for_good(timed: TimedLedger) -> None:
    ledger, unique = timed.ledger, Reuse(key="k", digest="d", unique=True)
    ledger.release([a_job(0, reuse=unique), a_job(1, reuse=unique, claim_within_s=0.2)])
    ledger.cancel([a_job(0).id])
    retried = claimed(ledger, a_job(1))
    ledger.commit(failure_of(retried), retried.token, 0)
    timed.passes(210)

    ledger.sweep(LEASE_MS)

    assert counts(ledger) == {"ready": 1}
