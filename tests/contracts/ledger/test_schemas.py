"""Jobs that were made for one form of input and output, among workers of several."""

from __future__ import annotations

from infra.records import Claim, JobState, Refusal, TypeState
from tests.contracts.ledger.given import (
    IDLE_MS,
    LEASE_MS,
    TimedLedger,
    a_job,
    claimed,
    counts,
    failure_of,
    outcomes_now,
    success_of,
)


def test_a_worker_of_other_schemas_does_not_get_the_job_and_one_that_has_them_does(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(schemas="old")])
    ledger.take_ready(1)

    assert ledger.claim(a_job().id, "new", LEASE_MS, "new") is Refusal.OTHER_SCHEMAS

    assert ledger.take_ready(1) == [("triage.old", a_job().id)]
    claim = ledger.claim(a_job().id, "old", LEASE_MS, "old")
    assert isinstance(claim, Claim)
    assert (claim.attempt, claim.job.schemas, claim.job.type) == (1, "old", "triage")
    ledger.commit(success_of(claim), claim.token)
    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.SUCCEEDED]


def test_what_waits_for_one_form_takes_no_place_of_another(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([*(a_job(number, schemas="old") for number in range(3)), a_job(3, schemas="new")])
    for number in range(3):
        ledger.take_ready(1)
        ledger.claim(a_job(number).id, "new", LEASE_MS, "new")

    assert ledger.take_ready(1) == [("triage", a_job(3).id)]
    assert counts(ledger, "triage.old") == {"sent": 1, "ready": 2}


def test_it_is_paused_with_its_type_and_its_letter_is_of_its_type(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0, schemas="old", attempts=1)])
    ledger.take_ready(1)
    ledger.claim(a_job(0).id, "new", LEASE_MS, "new")
    ledger.set_type_state("triage", TypeState.PAUSED)
    assert ledger.take_ready(1) == []

    ledger.set_type_state("triage", TypeState.OPEN)
    assert ledger.take_ready(1) == [("triage.old", a_job(0).id)]
    claim = claimed(ledger, a_job(0))
    ledger.commit(failure_of(claim), claim.token)
    assert [letter.type for letter in ledger.dead_letters("triage")] == ["triage"]
    assert ledger.purge([a_job(0).id]) == 1
    assert ledger.dead_letters() == []


def test_one_that_nobody_serves_is_sent_again_to_its_own_queue(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0, schemas="old")])
    ledger.take_ready(1)
    ledger.claim(a_job(0).id, "new", LEASE_MS, "new")
    ledger.take_ready(1)
    timed.passes(IDLE_MS + 10)

    assert ledger.sweep(IDLE_MS) == [("triage.old", a_job(0).id)]


def test_a_job_or_a_worker_that_says_nothing_of_schemas_goes_with_any(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0), a_job(1, schemas="old")])
    ledger.take_ready(2)

    assert isinstance(ledger.claim(a_job(0).id, "w", LEASE_MS, "new"), Claim)
    assert isinstance(ledger.claim(a_job(1).id, "w", LEASE_MS), Claim)


def test_one_that_nobody_claims_expires_as_any_other(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0, schemas="old", claim_within_s=0.4)])
    ledger.take_ready(1)
    ledger.claim(a_job(0).id, "new", LEASE_MS, "new")
    timed.passes(410)

    ledger.sweep(LEASE_MS)

    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.EXPIRED]
    assert counts(ledger) == {}


def test_its_tenant_is_not_charged_for_what_was_not_done(timed: TimedLedger) -> None:
    """Beside another tenant with as much to do: both are served in turn."""
    ledger = timed.ledger
    ledger.release(
        [a_job(0, tenant="a", schemas="old"), a_job(1, tenant="a"), a_job(2, tenant="b"), a_job(3, tenant="b")]
    )
    ((_, first),) = ledger.take_ready(1)
    assert first == a_job(0).id
    ledger.claim(first, "new", LEASE_MS, "new")

    assert [job_id for line, job_id in ledger.take_ready(2) if line == "triage"] == [a_job(1).id, a_job(2).id]
