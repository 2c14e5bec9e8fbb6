"""Runs that are taken up again, and jobs of a later round."""

from __future__ import annotations

from collections.abc import Callable

from infra.ledger.protocol import Ledger
from infra.records import Event, JobState, RunRecord, RunState, StepResult
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
    outcomes_now,
    state_of,
    succeeded,
    success_of,
)


def failed_run(ledger: Ledger, jobs: int = 2) -> RunRecord:
    """Ended, after its first job failed; with a result of `s1` and one of `s2`."""
    ledger.create_run(RUN, [a_job(i) for i in range(jobs)], [])
    failed(ledger, a_job(0))
    results = [StepResult(step_id=step_id, index=0, output={"n": 1}) for step_id in ("s1", "s2")]
    assert ledger.advance(RUN, results, [], [])
    return end_run(ledger)


def again(run: RunRecord) -> RunRecord:
    return run.model_copy(update={"state": RunState.RUNNING, "body": {"round": 1}})


def test_an_ended_run_is_taken_up_again(ledger: Ledger) -> None:
    run = failed_run(ledger)
    jobs = [a_job(i, round=1) for i in range(2)]

    assert ledger.reopen(again(run), jobs, ["s1"], [Event(name="run.reopened", data={})])

    assert ledger.load_run("r1") == again(run).model_copy(update={"version": run.version + 1})
    assert ledger.results("r1", "s1") == {}
    assert ledger.results("r1", "s2") == {0: {"n": 1}}
    assert [event.name for _, event in ledger.events("r1")] == ["run.reopened"]
    assert ledger.take_ready(10) == [("triage", job.id) for job in jobs]


def test_jobs_of_a_run_that_is_taken_up_again_start_anew(ledger: Ledger) -> None:
    run = failed_run(ledger)
    ledger.reopen(again(run), [a_job(0, round=1, attempts=5)], [], [])

    status = ledger.job(a_job(0).id)

    assert status is not None
    assert (status.state, status.attempt, status.outcome) == (JobState.READY, 0, None)
    assert status.job == a_job(0, round=1, attempts=5)
    assert ledger.dead_letters() == []
    assert state_of(ledger, a_job(1)) is JobState.CANCELLED
    assert claimed(ledger, a_job(0)).attempt == 1


def test_only_an_ended_run_is_taken_up_again_and_once(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    assert not ledger.reopen(RUN, [a_job()], [], [])
    run = end_run(ledger)

    assert not ledger.reopen(again(run).model_copy(update={"version": 7}), [a_job()], [], [])
    assert not ledger.reopen(again(run).model_copy(update={"id": "r9"}), [a_job(run_id="r9")], [], [])
    assert ledger.load_run("r1") == run
    assert ledger.depths() == {}

    assert ledger.reopen(again(run), [a_job()], [], [])
    assert not ledger.reopen(again(run), [a_job()], [], [])


def test_nothing_that_was_claimed_in_an_earlier_round_can_be_committed(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    old = claimed(ledger, a_job())
    ledger.reopen(again(end_run(ledger)), [a_job(round=1)], [], [])

    assert not ledger.commit(success_of(old), old.token)
    new = claimed(ledger, a_job())
    assert not ledger.commit(success_of(old), old.token)
    assert not ledger.hand_back(a_job().id, old.token)

    assert ledger.commit(success_of(new), new.token)
    assert [outcome.round for outcome in outcomes_now(ledger)] == [1]


def test_what_was_committed_in_an_earlier_round_is_no_repeat_in_this_one(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    old = claimed(ledger, a_job())
    ledger.commit(success_of(old), old.token)
    ledger.reopen(again(end_run(ledger)), [a_job(round=1)], [], [])

    assert not ledger.commit(success_of(old), old.token)


def test_a_large_run_that_was_cancelled_is_taken_up_whole(ledger: Ledger) -> None:
    size = 600
    ledger.create_run(RUN, [], [])
    ledger.release(a_job(i) for i in range(size))
    run = end_run(ledger)

    assert ledger.reopen(again(run), [a_job(0, round=1)], [], [])
    assert ledger.release(a_job(i, round=1) for i in range(size)) == size - 1
    ledger.sweep(LEASE_MS)

    assert counts(ledger) == {"ready": size}


def test_a_job_of_a_later_round_replaces_the_one_of_an_earlier_round_wherever_it_is(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(4)])
    claim = claimed(ledger, a_job(0))
    ledger.take_ready(1)
    waits = claimed(ledger, a_job(2))
    ledger.commit(failure_of(waits), waits.token, 60_000)

    assert ledger.release([a_job(i, round=1) for i in range(4)]) == 4

    assert counts(ledger) == {"ready": 4}
    assert ledger.stops("w1", 0) == [claim.token]
    assert ledger.renew({a_job(0).id: claim.token}, LEASE_MS) == [a_job(0).id]
    assert ledger.release([a_job(0), a_job(1, round=1)]) == 0
    assert {claimed(ledger, a_job(i)).attempt for i in range(4)} == {1}


def test_what_was_to_be_forgotten_of_an_ended_run_stays_when_it_is_taken_up(
    build: Callable[[int], TimedLedger],
) -> None:
    timed = build(1)
    ledger = timed.ledger
    run = failed_run(ledger)
    ledger.reopen(again(run), [a_job(0, round=1)], [], [Event(name="run.reopened", data={})])

    timed.passes(1_200)

    assert ledger.load_run("r1") == again(run).model_copy(update={"version": run.version + 1})
    assert ledger.results("r1", "s1") == {0: {"n": 1}}
    assert len(ledger.events("r1")) == 1
    succeeded(ledger, a_job(0))
