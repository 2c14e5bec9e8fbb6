"""Dead letters: what is kept of jobs that failed, by cause, until it is purged or too old."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.ledger.protocol import Ledger
from infra.records import Cause, FailureKind, JobState, Refusal, RunState
from tests.contracts.ledger.given import (
    LEASE_MS,
    RUN,
    TimedLedger,
    a_job,
    claimed,
    counts,
    end_run,
    failed,
    failure_of,
    state_of,
    succeeded,
)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (FailureKind.ENGINE, Cause.FAILED),
        (FailureKind.INVALID_OUTPUT, Cause.FAILED),
        (FailureKind.TIMEOUT, Cause.FAILED),
        (FailureKind.INVALID_INPUT, Cause.UNPROCESSABLE),
        (FailureKind.TOO_LONG, Cause.UNPROCESSABLE),
    ],
)
def test_a_failure_becomes_a_dead_letter_of_its_cause(timed: TimedLedger, kind: FailureKind, cause: Cause) -> None:
    ledger, before_ms = timed.ledger, timed.now_ms()
    ledger.release([a_job()])
    outcome = failed(ledger, a_job(), kind)

    [letter] = ledger.dead_letters()

    assert (letter.job_id, letter.type, letter.cause, letter.attempt) == (a_job().id, "triage", cause, 1)
    assert letter.failure == outcome.failure
    assert before_ms - 1_000 <= letter.at_ms <= timed.now_ms() + 1_000
    assert counts(ledger) == {cause.value: 1}


def test_a_crash_loop_leaves_a_dead_letter_of_poison(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(attempts=1)])
    claimed(ledger, a_job(), lease_ms=20)
    timed.passes(20)
    ledger.sweep(LEASE_MS)

    [letter] = ledger.dead_letters()

    assert (letter.cause, letter.failure.kind, letter.attempt) == (Cause.POISON, FailureKind.DEAD, 1)


def test_what_was_cancelled_expired_or_succeeded_is_no_dead_letter(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0), a_job(1), a_job(2, deadline_ms=timed.now_ms() - 1), a_job(3)])
    succeeded(ledger, a_job(0))
    ledger.cancel([a_job(1).id])
    ledger.sweep(LEASE_MS)
    failed(ledger, a_job(3), FailureKind.EXPIRED)

    assert ledger.unacknowledged() == 4
    assert ledger.dead_letters() == []
    assert counts(ledger) == {}


def test_a_failure_that_is_tried_again_is_no_dead_letter_yet(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    ledger.commit(failure_of(claim), claim.token, 0)

    assert ledger.dead_letters() == []


def test_dead_letters_are_listed_by_type_and_cause_and_the_newest_first(timed: TimedLedger) -> None:
    ledger = timed.ledger
    kinds = [("triage", FailureKind.ENGINE), ("count", FailureKind.ENGINE), ("triage", FailureKind.TOO_LONG)]
    for index, (job_type, kind) in enumerate(kinds):
        ledger.release([a_job(index, type=job_type)])
        failed(ledger, a_job(index), kind)
        timed.passes(5)

    def found(job_type: str | None = None, cause: Cause | None = None, limit: int = 100) -> list[int]:
        return [int(letter.job_id[-1]) for letter in ledger.dead_letters(job_type, cause, limit)]

    assert found() == [2, 1, 0]
    assert found(limit=2) == [2, 1]
    assert found("triage") == [2, 0]
    assert found(None, Cause.FAILED) == [1, 0]
    assert found("triage", Cause.FAILED) == [0]
    assert found("never_seen") == []


def test_purging_forgets_dead_letters_and_all_of_their_jobs(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(4)])
    for index in range(2):
        failed(ledger, a_job(index))
    succeeded(ledger, a_job(2))

    purged = ledger.purge([a_job(i).id for i in (0, 2, 3)] + ["r9.s1.0", a_job(0).id])

    assert purged == 1
    assert ledger.job(a_job(0).id) is None
    assert ledger.claim(a_job(0).id, "w1", LEASE_MS) is Refusal.UNKNOWN
    assert [letter.job_id for letter in ledger.dead_letters()] == [a_job(1).id]
    assert state_of(ledger, a_job(2)) is JobState.SUCCEEDED
    assert counts(ledger) == {"ready": 1, "failed": 1}


def test_what_is_purged_while_its_run_goes_on_is_not_made_anew(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job(0), a_job(1)], [])
    claim = claimed(ledger, a_job(0))
    ledger.commit(failure_of(claim), claim.token)

    assert ledger.purge([a_job(0).id]) == 1

    assert ledger.job(a_job(0).id) is None
    assert ledger.dead_letters() == []
    assert ledger.purge([a_job(0).id]) == 0
    assert ledger.release([a_job(0)]) == 0
    assert ledger.claim(a_job(0).id, "w1", LEASE_MS) is Refusal.ENDED
    assert counts(ledger) == {"ready": 1}
    assert ledger.unacknowledged() == 1


def test_what_was_purged_while_its_run_went_on_starts_anew_in_a_later_round(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    failed(ledger, a_job())
    ledger.purge([a_job().id])
    run = end_run(ledger)

    assert ledger.reopen(run.model_copy(update={"state": RunState.RUNNING}), [a_job(round=1)], [], [])

    assert claimed(ledger, a_job()).job == a_job(round=1)


def test_dead_letters_older_than_the_retention_are_forgotten(build: Callable[[int], TimedLedger]) -> None:
    timed = build(1)
    timed.ledger.release([a_job()])
    failed(timed.ledger, a_job())
    timed.ledger.sweep(LEASE_MS)
    assert len(timed.ledger.dead_letters()) == 1

    timed.passes(1_000)
    timed.ledger.sweep(LEASE_MS)

    assert timed.ledger.dead_letters() == []
    assert counts(timed.ledger) == {}
