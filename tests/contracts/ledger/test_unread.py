"""Records that can be written and not be read: each costs its own run alone. The deepest JSON stands for all."""

from __future__ import annotations

from typing import Any

from infra.ledger.protocol import Ledger
from infra.ledger.unreadable import UNREAD_RETRY_MS
from infra.records import Cause, FailureKind, Job, JobState, Refusal
from tests.contracts.ledger.given import LEASE_MS, RUN, TimedLedger, a_job, claimed, succeeded, success_of

WORKER = "old@here"


def too_deep() -> Any:
    value: Any = 1
    for _ in range(220):
        value = {"a": value}
    return value


def test_an_outcome_that_does_not_read_is_a_failure_and_holds_up_no_other(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job(0, round=2), a_job(1)], [])
    claim = claimed(ledger, a_job(0))
    assert ledger.commit(success_of(claim).model_copy(update={"output": too_deep()}), claim.token)
    succeeded(ledger, a_job(1))

    (first, broken), (second, whole) = ledger.outcomes("c1", 10, 0)

    assert (broken.job_id, broken.state, broken.round) == ("r1.s1.0", JobState.FAILED, 2)
    assert broken.failure
    assert (broken.failure.kind, broken.output) == (FailureKind.ENGINE, None)
    assert "its outcome does not read (json_invalid)" in broken.failure.message
    assert whole.state is JobState.SUCCEEDED
    assert ledger.advance(RUN, [], [], [first, second])
    assert ledger.unacknowledged() == 0
    status = ledger.job("r1.s1.0")
    assert status
    assert status.outcome == broken


def test_a_job_that_a_worker_cannot_read_is_offered_to_others_as_often_as_it_may_be_tried(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.create_run(RUN, [deep := a_job(0, input=too_deep(), attempts=2), a_job(1)], [])
    assert taken_and_refused(ledger, deep) is Refusal.PAUSED
    assert ledger.outcomes("c1", 10, 0) == []
    assert ledger.take_ready(10) == []

    timed.passes(UNREAD_RETRY_MS)

    assert taken_and_refused(ledger, deep) is Refusal.ENDED
    [(_, outcome)] = ledger.outcomes("c1", 10, 0)
    assert outcome.failure
    assert (outcome.attempt, outcome.failure.kind) == (2, FailureKind.INVALID_INPUT)
    assert outcome.failure.message.startswith(f"worker '{WORKER}' cannot read it")
    assert [(letter.job_id, letter.cause) for letter in ledger.dead_letters()] == [(deep.id, Cause.UNPROCESSABLE)]
    succeeded(ledger, a_job(1))


def taken_and_refused(ledger: Ledger, job: Job) -> Any:
    assert ("triage", job.id) in ledger.take_ready(10)
    return ledger.claim(job.id, WORKER, LEASE_MS)
