"""What crashes leave is mended."""

from __future__ import annotations

from infra.ledger.protocol import Ledger
from infra.records import FailureKind, JobState, Message, Refusal
from tests.contracts.ledger.given import LEASE_MS, TimedLedger, a_job, claimed, counts, outcomes_now, success_of


def test_a_silent_job_is_sent_again_at_growing_intervals(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    assert ledger.sweep(400) == []
    sent = ledger.take_ready(10)
    assert ledger.sweep(5_000) == []

    timed.passes(400)
    assert ledger.sweep(400) == sent
    timed.passes(400)
    assert ledger.sweep(400) == []
    timed.passes(400)
    assert ledger.sweep(400) == sent
    assert claimed(ledger, a_job()).attempt == 1


def test_a_job_behind_others_is_not_silent_while_they_are_claimed(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(i) for i in range(3)])
    lost, first, behind = ledger.take_ready(1) + _next(timed) + _next(timed)

    timed.passes(400)
    assert claimed(ledger, a_job(1)).job.id == first[1]

    assert ledger.sweep(400) == [lost]  # somebody who came after it was served: its message is not on the queue
    timed.passes(400)
    assert ledger.sweep(400) == [behind]  # nobody is served any more


def test_of_jobs_put_on_the_queue_together_one_that_was_passed_over_is_silent(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(i) for i in range(600)])
    taken = ledger.take_ready(600)
    timed.passes(1000)
    for index in (0, 1, 2, 4, 5):  # the fourth was lost, and the line moves
        claimed(ledger, a_job(index))

    assert ledger.sweep(1000) == [taken[3]]


def _next(timed: TimedLedger) -> list[Message]:
    """Some time after the one before, the next job put on the queue."""
    timed.passes(5)
    return timed.ledger.take_ready(counts(timed.ledger, "triage")["sent"] + 1)


def test_a_sweep_without_patience_sends_each_job_once(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(600)])
    ledger.take_ready(600)
    assert len(ledger.sweep(0)) == 600


def test_a_job_whose_lease_ran_out_is_sent_again(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    stale = claimed(ledger, a_job(), lease_ms=50)
    timed.passes(50)

    assert ledger.sweep(LEASE_MS) == [("triage", a_job().id)]

    assert ledger.renew({stale.job.id: stale.token}, LEASE_MS) == [stale.job.id]
    assert not ledger.commit(success_of(stale), stale.token)
    assert claimed(ledger, a_job(), worker="w2").attempt == 2


def test_a_crash_loop_ends_as_one_dead_letter(timed: TimedLedger) -> None:
    ledger, job = timed.ledger, a_job(attempts=3)
    ledger.release([job])
    ledger.take_ready(10)
    for attempt in (1, 2, 3):
        assert claimed(ledger, job, lease_ms=20).attempt == attempt
        timed.passes(20)
        ledger.sweep(LEASE_MS)

    assert ledger.sweep(LEASE_MS) == []
    assert ledger.claim(job.id, "w1", LEASE_MS) is Refusal.ENDED
    [outcome] = outcomes_now(ledger)
    assert (outcome.state, outcome.attempt) == (JobState.DEAD, 3)
    assert outcome.failure is not None
    assert outcome.failure.message == "attempt 3 of 3 ended without an outcome"
    assert counts(ledger, "triage") == {"poison": 1}


def test_a_claim_past_the_cap_is_refused_as_dead(timed: TimedLedger) -> None:
    ledger, job = timed.ledger, a_job(attempts=1)
    ledger.release([job])
    claimed(ledger, job, lease_ms=20)
    timed.passes(20)

    assert ledger.claim(job.id, "w2", LEASE_MS) is Refusal.DEAD
    assert ledger.claim(job.id, "w2", LEASE_MS) is Refusal.ENDED
    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.DEAD]


def test_a_claim_past_the_deadline_is_refused_as_expired(timed: TimedLedger) -> None:
    job = a_job(deadline_ms=timed.now_ms() + 20)
    timed.ledger.release([job])
    timed.passes(40)

    assert timed.ledger.claim(job.id, "w1", LEASE_MS) is Refusal.EXPIRED
    [outcome] = outcomes_now(timed.ledger)
    assert outcome.state is JobState.EXPIRED
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.EXPIRED


def test_the_sweep_expires_ready_and_sent_jobs_past_their_deadline(timed: TimedLedger) -> None:
    ledger, deadline_ms = timed.ledger, timed.now_ms() + 600
    jobs = [a_job(i, deadline_ms=deadline_ms) for i in range(3)]
    ledger.release([*jobs, a_job(3)])
    assert len(ledger.take_ready(1)) == 1
    running = claimed(ledger, jobs[2])
    timed.passes(640)

    ledger.sweep(LEASE_MS)

    assert sorted(outcome.index for outcome in outcomes_now(ledger)) == [0, 1]
    assert counts(ledger, "triage") == {"ready": 1, "running": 1}
    assert ledger.commit(success_of(running), running.token)


def test_a_lost_job_past_its_deadline_expires_instead_of_being_sent_again(timed: TimedLedger) -> None:
    job = a_job(deadline_ms=timed.now_ms() + 500)
    timed.ledger.release([job])
    claimed(timed.ledger, job, lease_ms=20)
    timed.passes(540)

    assert timed.ledger.sweep(LEASE_MS) == []
    assert [outcome.state for outcome in outcomes_now(timed.ledger)] == [JobState.EXPIRED]
