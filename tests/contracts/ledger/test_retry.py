"""A failure that may pass: tried again after a while, in the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import JobState, Message, Refusal
from tests.contracts.ledger.given import (
    LEASE_MS,
    TimedLedger,
    a_job,
    claimed,
    counts,
    failure_of,
    outcomes_now,
    state_of,
)


def test_a_failure_is_tried_again_after_the_wait_and_reaches_no_coordinator(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())

    assert ledger.commit(failure_of(claim), claim.token, 200)

    assert state_of(ledger, a_job()) is JobState.PENDING
    assert counts(ledger) == {"pending": 1}
    assert ledger.take_ready(10) == []
    timed.passes(200)
    assert ledger.take_ready(10) == [("triage", a_job().id)]
    assert claimed(ledger, a_job()).attempt == 2
    assert ledger.unacknowledged() == 0


def test_a_failure_without_a_wait_is_ready_at_once(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())

    assert ledger.commit(failure_of(claim), claim.token, 0)

    assert ledger.take_ready(10) == [("triage", a_job().id)]


def test_a_retry_that_is_committed_twice_counts_once(ledger: Ledger) -> None:
    ledger.release([a_job(attempts=2)])
    claim = claimed(ledger, a_job())

    assert ledger.commit(failure_of(claim), claim.token, 0)
    assert ledger.commit(failure_of(claim), claim.token, 0)

    assert counts(ledger) == {"ready": 1}
    assert claimed(ledger, a_job()).attempt == 2


def test_a_failure_on_the_last_attempt_ends_the_job(ledger: Ledger) -> None:
    ledger.release([a_job(attempts=1)])
    claim = claimed(ledger, a_job())

    assert ledger.commit(failure_of(claim), claim.token, 0)

    assert outcomes_now(ledger) == [failure_of(claim)]
    assert state_of(ledger, a_job()) is JobState.FAILED


def test_a_failure_that_would_be_tried_again_after_the_deadline_ends_the_job(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(deadline_ms=timed.now_ms() + 10_000)])
    claim = claimed(ledger, a_job())

    assert ledger.commit(failure_of(claim), claim.token, 20_000)

    assert outcomes_now(ledger) == [failure_of(claim)]


def test_a_job_that_waits_for_its_next_attempt_cannot_be_claimed_by_an_old_message(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    ledger.commit(failure_of(claim), claim.token, 60_000)

    assert ledger.claim(a_job().id, "w2", LEASE_MS) is Refusal.PAUSED

    assert counts(ledger) == {"pending": 1}


def test_a_job_that_waits_for_its_next_attempt_expires(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(deadline_ms=timed.now_ms() + 700)])
    claim = claimed(ledger, a_job())
    ledger.commit(failure_of(claim), claim.token, 100)

    timed.passes(720)
    assert ledger.sweep(LEASE_MS) == []

    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.EXPIRED]
    assert counts(ledger) == {}
    assert ledger.take_ready(10) == []


def test_waiting_for_ready_jobs_ends_when_a_retry_is_due(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    ledger.commit(failure_of(claim), claim.token, 150)

    def take() -> list[Message]:
        while not (taken := ledger.take_ready(1)):
            ledger.wait_ready(60_000)
        return taken

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(take)
        timed.passes(150)
        assert waiting.result(timeout=30) == [("triage", a_job().id)]
