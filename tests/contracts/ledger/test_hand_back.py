"""A worker that ends before its answer gives its jobs back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import JobState
from tests.contracts.ledger.given import (
    LEASE_MS,
    RUN,
    TimedLedger,
    a_job,
    claimed,
    counts,
    end_run,
    state_of,
    success_of,
)


def test_a_job_that_is_handed_back_is_first_in_line_and_keeps_its_attempts(ledger: Ledger) -> None:
    ledger.release([a_job(i, attempts=1) for i in range(3)])
    claim = claimed(ledger, a_job(1))

    assert ledger.hand_back(a_job(1).id, claim.token)

    assert counts(ledger) == {"ready": 3}
    assert ledger.take_ready(10) == [("triage", a_job(i).id) for i in (1, 0, 2)]
    assert claimed(ledger, a_job(1)).attempt == 1
    assert ledger.unacknowledged() == 0


def test_only_who_holds_a_job_can_hand_it_back(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0), a_job(1)])
    stale = claimed(ledger, a_job(0), lease_ms=20)
    timed.passes(20)
    claimed(ledger, a_job(0), worker="w2")
    kept = claimed(ledger, a_job(1))

    assert not ledger.hand_back(a_job(0).id, stale.token)
    assert not ledger.hand_back("r9.s1.0", stale.token)
    assert ledger.hand_back(a_job(1).id, kept.token)

    assert counts(ledger) == {"running": 1, "ready": 1}


def test_handing_back_again_is_accepted_and_changes_nothing(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    assert ledger.hand_back(a_job().id, claim.token)
    again = claimed(ledger, a_job(), worker="w2")

    assert ledger.hand_back(a_job().id, claim.token)

    assert again.attempt == 1
    assert counts(ledger) == {"running": 1}
    assert ledger.commit(success_of(again), again.token)
    assert ledger.hand_back(a_job().id, claim.token)
    assert state_of(ledger, a_job()) is JobState.SUCCEEDED


def test_what_was_handed_back_cannot_be_committed_or_renewed(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    ledger.hand_back(a_job().id, claim.token)

    assert not ledger.commit(success_of(claim), claim.token)
    assert ledger.renew({a_job().id: claim.token}, LEASE_MS) == [a_job().id]


def test_a_job_of_a_run_that_has_ended_is_not_handed_back(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    claim = claimed(ledger, a_job())
    end_run(ledger)

    assert not ledger.hand_back(a_job().id, claim.token)

    assert state_of(ledger, a_job()) is JobState.CANCELLED


def test_waiting_for_ready_jobs_ends_when_one_is_handed_back(ledger: Ledger) -> None:
    ledger.release([a_job()])
    ledger.take_ready(1)
    ledger.wait_ready(1_000)  # at once, as something was released
    claim = claimed(ledger, a_job())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        ledger.hand_back(a_job().id, claim.token)
        waiting.result(timeout=30)
