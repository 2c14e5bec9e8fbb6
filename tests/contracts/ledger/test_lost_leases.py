"""How often a job's lease ran out without an answer, for who claims it next."""

from __future__ import annotations

from infra.records import RunState, TypeState
from tests.contracts.ledger.given import LEASE_MS, RUN, TimedLedger, a_job, claimed, end_run, failure_of


def test_the_leases_that_a_sweep_found_run_out_are_counted(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    for lost in range(2):
        assert claimed(ledger, a_job(), lease_ms=20).lost == lost
        timed.passes(20)
        ledger.sweep(LEASE_MS)

    assert claimed(ledger, a_job()).lost == 2


def test_the_leases_that_a_claim_found_run_out_are_counted(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    claimed(ledger, a_job(), lease_ms=20)
    timed.passes(20)

    assert claimed(ledger, a_job(), worker="w2").lost == 1


def test_an_answer_or_a_job_handed_back_is_no_lost_lease(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    handed = claimed(ledger, a_job())
    ledger.hand_back(a_job().id, handed.token)
    retried = claimed(ledger, a_job())
    ledger.commit(failure_of(retried), retried.token, 0)
    ledger.take_ready(10)
    timed.passes(20)
    ledger.sweep(20)  # sent again, as it was silent

    assert claimed(ledger, a_job()).lost == 0


def test_the_lost_leases_of_a_paused_type_are_counted_once(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0), a_job(1)])
    for index in range(2):
        claimed(ledger, a_job(index), lease_ms=20)
    timed.passes(20)
    ledger.set_type_state("triage", TypeState.PAUSED)
    ledger.claim(a_job(0).id, "w2", LEASE_MS)
    ledger.sweep(LEASE_MS)
    ledger.set_type_state("triage", TypeState.OPEN)

    assert [claimed(ledger, a_job(index)).lost for index in range(2)] == [1, 1]


def test_a_job_that_starts_anew_has_lost_no_lease(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.create_run(RUN, [a_job()], [])
    claimed(ledger, a_job(), lease_ms=20)
    timed.passes(20)
    ledger.sweep(LEASE_MS)
    run = end_run(ledger).model_copy(update={"state": RunState.RUNNING})

    assert ledger.reopen(run, [a_job(round=1)], [], [])

    assert claimed(ledger, a_job()).lost == 0
