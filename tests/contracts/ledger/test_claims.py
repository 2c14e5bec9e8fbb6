"""A worker and its job: claim, renew, commit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.ledger.protocol import Ledger
from infra.records import Claim, JobState, Refusal
from tests.contracts.ledger.given import (
    LEASE_MS,
    TimedLedger,
    a_job,
    claimed,
    failure_of,
    outcomes_now,
    state_of,
    success_of,
)


def test_a_claim_hands_out_the_job_and_counts_the_attempt(timed: TimedLedger) -> None:
    timed.ledger.release([a_job()])
    timed.passes(30)

    claim = claimed(timed.ledger, a_job())

    assert claim.job == a_job()
    assert claim.attempt == 1
    assert claim.wait_ms >= 30
    status = timed.ledger.job(claim.job.id)
    assert status is not None
    assert (status.state, status.attempt, status.worker) == (JobState.RUNNING, 1, "w1")


def test_an_unknown_job_is_refused(ledger: Ledger) -> None:
    assert ledger.claim("r9.s1.0", "w1", LEASE_MS) is Refusal.UNKNOWN
    assert ledger.job("r9.s1.0") is None


def test_a_running_job_is_refused_until_its_lease_runs_out(timed: TimedLedger) -> None:
    timed.ledger.release([a_job()])
    first = claimed(timed.ledger, a_job(), lease_ms=500)
    assert timed.ledger.claim(a_job().id, "w2", LEASE_MS) is Refusal.RUNNING

    timed.passes(500)
    second = claimed(timed.ledger, a_job(), worker="w2")

    assert second.attempt == 2
    assert second.token != first.token


def test_of_many_racing_claims_one_wins(ledger: Ledger) -> None:
    ledger.release([a_job()])
    start = threading.Barrier(8)

    def race(worker: int) -> Claim | Refusal:
        start.wait()
        return ledger.claim(a_job().id, f"w{worker}", LEASE_MS)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))

    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert answers.count(Refusal.RUNNING) == 7


def test_a_renewed_lease_keeps_the_job(timed: TimedLedger) -> None:
    timed.ledger.release([a_job()])
    claim = claimed(timed.ledger, a_job(), lease_ms=500)

    assert timed.ledger.renew({claim.job.id: claim.token}, LEASE_MS) == []

    timed.passes(500)
    assert timed.ledger.sweep(LEASE_MS) == []
    assert timed.ledger.claim(claim.job.id, "w2", LEASE_MS) is Refusal.RUNNING


def test_renewing_names_what_is_no_longer_held(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    kept, done = claimed(ledger, a_job(0)), claimed(ledger, a_job(1))
    ledger.commit(success_of(done), done.token)

    lost = ledger.renew({kept.job.id: kept.token, done.job.id: done.token, "r9.s1.0": "x"}, LEASE_MS)

    assert sorted(lost) == ["r1.s1.1", "r9.s1.0"]
    assert ledger.renew({}, LEASE_MS) == []
    assert ledger.renew({kept.job.id: "not the token"}, LEASE_MS) == [kept.job.id]


def test_a_commit_ends_the_job_and_reaches_the_coordinator_once(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())

    assert ledger.commit(success_of(claim), claim.token)
    assert ledger.commit(success_of(claim), claim.token)  # a repeat, its first answer lost

    assert outcomes_now(ledger) == [success_of(claim)]
    assert ledger.claim(claim.job.id, "w2", LEASE_MS) is Refusal.ENDED
    status = ledger.job(claim.job.id)
    assert status is not None
    assert status.job == a_job()
    assert status.outcome == success_of(claim)


def test_a_stale_token_cannot_commit(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    stale = claimed(ledger, a_job(), lease_ms=20)
    timed.passes(20)
    fresh = claimed(ledger, a_job(), worker="w2")

    assert not ledger.commit(success_of(stale), stale.token)
    assert outcomes_now(ledger) == []
    assert ledger.commit(success_of(fresh), fresh.token)
    assert not ledger.commit(success_of(stale), stale.token)
    assert [outcome.attempt for outcome in outcomes_now(ledger)] == [2]


def test_a_commit_is_accepted_after_the_lease_if_nobody_else_claimed(timed: TimedLedger) -> None:
    timed.ledger.release([a_job()])
    claim = claimed(timed.ledger, a_job(), lease_ms=20)
    timed.passes(20)
    assert timed.ledger.commit(success_of(claim), claim.token)


def test_what_has_not_ended_cannot_be_committed(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    with pytest.raises(ValueError, match="that is not an end"):
        ledger.commit(success_of(claim).model_copy(update={"state": JobState.RUNNING}), claim.token)


def test_a_final_failure_ends_the_job_at_once(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    assert ledger.commit(failure_of(claim), claim.token)
    assert state_of(ledger, a_job()) is JobState.FAILED
    assert len(outcomes_now(ledger)) == 1


def test_unicode_and_a_megabyte_of_input_survive(ledger: Ledger) -> None:
    job = a_job(input={"text": 'naïve – 数据 🐝 \u0000 \\ "' * 60_000, "none": None, "list": [], "object": {}})
    ledger.release([job])

    claim = claimed(ledger, job)
    ledger.commit(success_of(claim).model_copy(update={"output": job.input}), claim.token)

    assert claim.job == job
    assert [outcome.output for outcome in outcomes_now(ledger)] == [job.input]
