"""Several ready jobs in one message: which share one, and that each keeps its own claim, lease, attempt and end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from infra.ledger.protocol import Ledger
from infra.records import Alternative, Cause, Claim, Commit, Job, JobState, Message, Outcome, Refusal, Reuse
from tests.contracts.ledger.given import (
    LEASE_MS,
    TimedLedger,
    a_job,
    claimed,
    counts,
    failure_of,
    outcomes_now,
    state_of,
    succeeded,
    success_of,
)

FEW_MS = 20
WORKERS = {"triage": 1}
LONG = "x" * 5_000  #: stored apart from its job


def measure(timed: TimedLedger) -> None:
    """The type does 100 tokens a second, or somewhat fewer, so that a bundle has up to 10."""
    jobs = [a_job(index, run_id="r0", tokens=30) for index in range(4)]
    timed.ledger.release(jobs)
    succeeded(timed.ledger, jobs[0])
    for job in jobs[1:3]:
        timed.passes(300)
        succeeded(timed.ledger, job)
    timed.ledger.cancel([jobs[3].id])


def taken(timed: TimedLedger, jobs: Sequence[Job], workers: int = 1) -> list[Message]:
    measure(timed)
    timed.ledger.release(jobs)
    return timed.ledger.take_ready(100, workers={"triage": workers})


def together(ledger: Ledger, *jobs: Job, worker: str = "w1", lease_ms: int = LEASE_MS) -> list[Claim]:
    claims = ledger.claim_all([job.id for job in jobs], worker, lease_ms)
    assert all(isinstance(claim, Claim) for claim in claims), claims
    return [claim for claim in claims if isinstance(claim, Claim)]


def lost(timed: TimedLedger, *jobs: Job) -> list[Message]:
    """Claimed together by a worker that dies; what the sweep then sends."""
    timed.ledger.release(jobs)
    timed.ledger.take_ready(100)
    together(timed.ledger, *jobs, lease_ms=FEW_MS)
    timed.passes(FEW_MS)
    return timed.ledger.sweep(LEASE_MS)


def test_ready_jobs_of_a_type_of_known_speed_share_messages(timed: TimedLedger) -> None:
    jobs = [a_job(index) for index in range(16)]
    messages = taken(timed, jobs)
    assert {message[0] for message in messages} == {"triage"}
    assert [job_id for _, *ids in messages for job_id in ids] == [job.id for job in jobs]
    assert 2 <= len(messages) <= 8
    assert all(len(ids) <= 10 for _, *ids in messages)
    assert counts(timed.ledger)["sent"] == 16


def test_a_bundle_has_fewer_jobs_where_they_have_more_tokens(timed: TimedLedger) -> None:
    messages = taken(timed, [a_job(index, tokens=40) for index in range(3)])
    assert messages == [("triage", a_job(index).id) for index in range(3)]


def test_a_lone_job_waits_for_no_other(timed: TimedLedger) -> None:
    assert taken(timed, [a_job()]) == [("triage", a_job().id)]


@pytest.mark.parametrize("workers", [{}, {"count": 3}])
def test_a_type_whose_workers_take_no_bundles_gets_none(timed: TimedLedger, workers: dict[str, int]) -> None:
    measure(timed)
    timed.ledger.release([a_job(0), a_job(1)])
    assert timed.ledger.take_ready(100, workers=workers) == [("triage", a_job(0).id), ("triage", a_job(1).id)]


def test_a_type_of_unknown_speed_gets_no_bundles(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    assert ledger.take_ready(100, workers=WORKERS) == [("triage", a_job(0).id), ("triage", a_job(1).id)]


def test_several_workers_share_what_is_ready(timed: TimedLedger) -> None:
    messages = taken(timed, [a_job(index) for index in range(4)], workers=2)
    assert messages == [("triage", a_job(0).id, a_job(1).id), ("triage", a_job(2).id, a_job(3).id)]


def test_a_job_with_a_large_input_or_one_attempt_has_a_message_of_its_own(timed: TimedLedger) -> None:
    jobs = [a_job(0), a_job(1, input={"text": LONG}), a_job(2, attempts=1), a_job(3)]
    messages = taken(timed, jobs)
    assert sorted(messages) == sorted(
        [("triage", jobs[0].id, jobs[3].id), ("triage", jobs[1].id), ("triage", jobs[2].id)]
    )


def test_jobs_claimed_together_have_claims_of_their_own(ledger: Ledger) -> None:
    jobs = [a_job(index) for index in range(3)]
    ledger.release(jobs)
    claims = together(ledger, *jobs)
    assert [claim.job for claim in claims] == jobs
    assert len({claim.token for claim in claims}) == 3
    assert {(claim.attempt, claim.lost) for claim in claims} == {(1, 0)}
    assert counts(ledger) == {"running": 3}


def test_jobs_of_a_bundle_each_keep_what_they_ask_for_and_are_told(ledger: Ledger) -> None:
    jobs = [a_job(0, top=1), a_job(1), a_job(2, top=2)]
    ledger.release(jobs)
    claims = together(ledger, *jobs)
    assert [claim.job.top for claim in claims] == [1, None, 2]
    pairs = (Alternative(value="refund", probability=0.8), Alternative(value="other", probability=0.2))
    told = [{"label": pairs[: claim.job.top]} if claim.job.top else None for claim in claims]
    outcomes = [
        success_of(claim).model_copy(update={"alternatives": each}) for claim, each in zip(claims, told, strict=True)
    ]
    ledger.commit_all([Commit(*pair) for pair in zip(outcomes, (claim.token for claim in claims), strict=True)])
    assert [each.alternatives for each in outcomes_now(ledger)] == told


def test_of_jobs_claimed_together_each_is_granted_or_refused_by_itself(ledger: Ledger) -> None:
    jobs = [a_job(index) for index in range(4)]
    ledger.release(jobs[:3])
    claimed(ledger, jobs[0], worker="w2")
    succeeded(ledger, jobs[1])
    found = ledger.claim_all([job.id for job in jobs], "w1", LEASE_MS)
    assert [found[0], found[1], found[3]] == [Refusal.RUNNING, Refusal.ENDED, Refusal.UNKNOWN]
    assert isinstance(found[2], Claim)


def test_a_claim_of_no_job_and_a_commit_of_no_outcome_do_nothing(ledger: Ledger) -> None:
    assert (ledger.claim_all([], "w1", LEASE_MS), ledger.commit_all([])) == ([], [])


def test_outcomes_committed_together_are_each_accepted_or_refused_by_itself(ledger: Ledger) -> None:
    jobs = [a_job(index) for index in range(3)]
    ledger.release(jobs)
    first, second, third = together(ledger, *jobs)
    commits = [
        Commit(success_of(first), first.token),
        Commit(success_of(second), "a token of nobody's"),
        Commit(failure_of(third), third.token, 60_000),
    ]
    assert ledger.commit_all(commits) == [True, False, True]
    assert ledger.commit_all(commits) == [True, False, True]  # a repeat
    assert [state_of(ledger, job) for job in jobs] == [JobState.SUCCEEDED, JobState.RUNNING, JobState.PENDING]
    assert outcomes_now(ledger) == [success_of(first)]


def test_one_outcome_that_is_no_end_refuses_all(ledger: Ledger) -> None:
    jobs = [a_job(0), a_job(1)]
    ledger.release(jobs)
    first, second = together(ledger, *jobs)
    with pytest.raises(ValueError, match="that is not an end"):
        ledger.commit_all([Commit(success_of(first), first.token), Commit(_no_end(second), second.token)])
    assert outcomes_now(ledger) == []


def _no_end(claim: Claim) -> Outcome:
    return success_of(claim).model_copy(update={"state": JobState.RUNNING})


def test_each_failure_of_a_bundle_is_a_dead_letter_of_its_own(ledger: Ledger) -> None:
    jobs = [a_job(index) for index in range(3)]
    ledger.release(jobs)
    claims = together(ledger, *jobs)
    ledger.commit_all([Commit(failure_of(claim), claim.token) for claim in claims[:2]])
    assert {(letter.job_id, letter.cause) for letter in ledger.dead_letters()} == {
        (jobs[0].id, Cause.FAILED), (jobs[1].id, Cause.FAILED),
    }  # fmt: skip
    assert state_of(ledger, jobs[2]) is JobState.RUNNING


def test_an_output_committed_with_others_answers_the_jobs_that_ask_the_same(ledger: Ledger) -> None:
    unique = partial(Reuse, digest="d", unique=True)
    ledger.release([a_job(index, reuse=unique(key=str(index % 2))) for index in range(6)])
    claims = together(ledger, a_job(0), a_job(1))
    assert ledger.commit_all([Commit(success_of(claim, "d"), claim.token) for claim in claims]) == [True, True]
    assert {state_of(ledger, a_job(index)) for index in range(6)} == {JobState.SUCCEEDED}


def test_one_job_of_a_bundle_is_handed_back_and_the_others_go_on(ledger: Ledger) -> None:
    jobs = [a_job(0), a_job(1)]
    ledger.release(jobs)
    first, second = together(ledger, *jobs)
    assert ledger.hand_back(first.job.id, first.token)
    assert ledger.renew({claim.job.id: claim.token for claim in (first, second)}, LEASE_MS) == [first.job.id]
    assert claimed(ledger, jobs[0]).attempt == 1


def test_one_job_of_a_bundle_is_cancelled_and_the_others_go_on(ledger: Ledger) -> None:
    jobs = [a_job(0), a_job(1)]
    ledger.release(jobs)
    first, second = together(ledger, *jobs)
    ledger.cancel([first.job.id])
    assert ledger.stops("w1", 0) == [first.token]
    assert ledger.commit_all([Commit(success_of(each), each.token) for each in (first, second)]) == [False, True]


def test_the_jobs_of_a_lost_bundle_are_sent_and_claimed_one_by_one(timed: TimedLedger) -> None:
    ledger, jobs = timed.ledger, [a_job(index) for index in range(3)]
    assert sorted(lost(timed, *jobs)) == [("triage", job.id) for job in jobs]
    assert ledger.claim_all([job.id for job in jobs], "w2", LEASE_MS) == [Refusal.ALONE] * 3
    assert {(claimed(ledger, job).attempt, claimed_before(ledger, job)) for job in jobs} == {(1, "w1")}


def claimed_before(ledger: Ledger, job: Job) -> str | None:
    status = ledger.job(job.id)
    return status.worker if status else None


def test_a_lost_bundle_costs_its_jobs_no_attempt_and_makes_none_suspect(timed: TimedLedger) -> None:
    jobs = [a_job(index, attempts=2) for index in range(2)]
    lost(timed, *jobs)
    for attempt in (1, 2):
        claims = [claimed(timed.ledger, job, lease_ms=FEW_MS) for job in jobs]
        assert {(claim.attempt, claim.lost) for claim in claims} == {(attempt, attempt - 1)}
        timed.passes(FEW_MS)
        timed.ledger.sweep(LEASE_MS)
    assert {letter.cause for letter in timed.ledger.dead_letters()} == {Cause.POISON}


def test_a_bundle_lost_on_the_last_attempt_of_its_jobs_ends_none_of_them(timed: TimedLedger) -> None:
    ledger, jobs = timed.ledger, [a_job(index, attempts=2) for index in range(2)]
    ledger.release(jobs)
    for job in jobs:
        claim = claimed(ledger, job)
        ledger.commit(failure_of(claim), claim.token, 0)
    ledger.take_ready(10)
    assert {claim.attempt for claim in together(ledger, *jobs, lease_ms=FEW_MS)} == {2}
    timed.passes(FEW_MS)
    ledger.sweep(LEASE_MS)
    assert {claimed(ledger, job).attempt for job in jobs} == {2}


def test_a_message_that_comes_again_does_not_claim_a_lost_bundle_together(timed: TimedLedger) -> None:
    ledger, jobs = timed.ledger, [a_job(0), a_job(1)]
    ledger.release(jobs)
    together(ledger, *jobs, lease_ms=FEW_MS)
    timed.passes(FEW_MS)
    assert ledger.claim_all([job.id for job in jobs], "w2", LEASE_MS) == [Refusal.ALONE] * 2
    assert sorted(ledger.sweep(LEASE_MS)) == [("triage", job.id) for job in jobs]
    assert {claimed(ledger, job).attempt for job in jobs} == {1}


def test_a_job_claimed_alone_that_was_lost_goes_alone_from_then_on(timed: TimedLedger) -> None:
    ledger, jobs = timed.ledger, [a_job(index) for index in range(3)]
    ledger.release(jobs[:1])
    claimed(ledger, jobs[0], lease_ms=FEW_MS)
    timed.passes(FEW_MS)
    held = claimed(ledger, jobs[0])
    assert held.lost == 1
    ledger.hand_back(jobs[0].id, held.token)
    assert sorted(taken(timed, jobs[1:])) == [("triage", jobs[0].id), ("triage", jobs[1].id, jobs[2].id)]


def test_a_lone_claim_after_one_together_counts_again(timed: TimedLedger) -> None:
    ledger, jobs = timed.ledger, [a_job(0), a_job(1)]
    ledger.release(jobs)
    for claim in together(ledger, *jobs):
        ledger.commit(failure_of(claim), claim.token, 0)
    assert claimed(ledger, jobs[0], lease_ms=FEW_MS).attempt == 2
    timed.passes(FEW_MS)
    ledger.sweep(LEASE_MS)
    again = claimed(ledger, jobs[0])
    assert (again.attempt, again.lost) == (3, 1)


def test_the_speed_counts_all_jobs_that_were_committed_together(timed: TimedLedger) -> None:
    ledger, jobs = timed.ledger, [a_job(index) for index in range(20)]
    ledger.release(jobs)
    succeeded(ledger, jobs[0])  # others wait: the time counts from here on
    claims = together(ledger, *jobs[1:])
    timed.passes(600)
    ledger.commit_all([Commit(success_of(claim), claim.token) for claim in claims])
    speed = ledger.loads(["triage"])["triage"].tokens_per_s
    assert speed is not None
    assert 10 < speed < 32
