"""Job types that are open, paused or draining."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import JobState, Load, Refusal, TypeState
from tests.contracts.ledger.given import (
    LEASE_MS,
    TimedLedger,
    a_job,
    claimed,
    counts,
    outcomes_now,
    succeeded,
    success_of,
)


def test_every_type_is_open_until_somebody_says_otherwise(ledger: Ledger) -> None:
    assert ledger.type_states() == {}

    ledger.set_type_state("triage", TypeState.PAUSED)
    ledger.set_type_state("count", TypeState.DRAINING)
    assert ledger.type_states() == {"triage": TypeState.PAUSED, "count": TypeState.DRAINING}
    assert ledger.loads(["triage", "count"])["count"] == Load(state=TypeState.DRAINING)

    ledger.set_type_state("triage", TypeState.OPEN)
    assert ledger.type_states() == {"count": TypeState.DRAINING}


def test_no_job_of_a_paused_type_is_taken_until_it_is_open_again(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1, type="entities")])
    ledger.set_type_state("triage", TypeState.PAUSED)

    assert ledger.release([a_job(2)]) == 1
    assert ledger.take_ready(10) == [("entities", a_job(1).id)]
    assert counts(ledger) == {"ready": 2}

    ledger.set_type_state("triage", TypeState.OPEN)
    assert ledger.take_ready(10) == [("triage", a_job(0).id), ("triage", a_job(2).id)]


def test_waiting_for_ready_jobs_ends_when_a_type_is_opened(ledger: Ledger) -> None:
    ledger.set_type_state("triage", TypeState.PAUSED)
    ledger.release([a_job()])
    ledger.wait_ready(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        ledger.set_type_state("triage", TypeState.OPEN)
        waiting.result(timeout=30)


def test_a_job_on_the_queue_whose_type_is_paused_goes_back_to_the_front_of_its_line(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    ledger.take_ready(1)
    ledger.set_type_state("triage", TypeState.PAUSED)

    assert ledger.claim(a_job(0).id, "w1", LEASE_MS) is Refusal.PAUSED
    assert ledger.claim(a_job(1).id, "w1", LEASE_MS) is Refusal.PAUSED  # which was in its line

    assert counts(ledger) == {"ready": 2}
    ledger.set_type_state("triage", TypeState.OPEN)
    assert ledger.take_ready(10) == [("triage", a_job(0).id), ("triage", a_job(1).id)]
    assert claimed(ledger, a_job(0)).attempt == 1


def test_what_runs_when_its_type_is_paused_ends_as_it_would(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    ledger.set_type_state("triage", TypeState.PAUSED)

    assert ledger.renew({a_job().id: claim.token}, LEASE_MS) == []
    assert ledger.commit(success_of(claim), claim.token)

    assert outcomes_now(ledger) == [success_of(claim)]


def test_nothing_of_a_paused_type_is_sent_again_before_it_is_open(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(i) for i in range(3)])
    ledger.take_ready(2)
    claimed(ledger, a_job(0), lease_ms=20)
    timed.passes(100)
    ledger.set_type_state("triage", TypeState.PAUSED)

    assert ledger.sweep(100) == []
    assert counts(ledger)["ready"] >= 2

    ledger.set_type_state("triage", TypeState.OPEN)
    again = [*ledger.take_ready(10), *ledger.sweep(0)]
    assert {job_id for _, job_id in again} == {a_job(i).id for i in range(3)}
    assert claimed(ledger, a_job(0)).attempt == 2


def test_the_lost_job_of_a_paused_type_is_first_in_its_line(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0), a_job(1)])
    claimed(ledger, a_job(0), lease_ms=20)
    timed.passes(20)
    ledger.set_type_state("triage", TypeState.PAUSED)
    ledger.sweep(LEASE_MS)

    ledger.set_type_state("triage", TypeState.OPEN)

    assert ledger.take_ready(10) == [("triage", a_job(0).id), ("triage", a_job(1).id)]


def test_jobs_of_a_paused_type_expire(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.set_type_state("triage", TypeState.PAUSED)
    ledger.release([a_job(deadline_ms=timed.now_ms() + 20)])
    timed.passes(20)

    ledger.sweep(LEASE_MS)

    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.EXPIRED]


def test_jobs_of_a_draining_type_are_done(ledger: Ledger) -> None:
    ledger.release([a_job()])
    ledger.set_type_state("triage", TypeState.DRAINING)

    assert ledger.take_ready(10) == [("triage", a_job().id)]
    succeeded(ledger, a_job())
