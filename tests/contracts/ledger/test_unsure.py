"""Unsure runs: they wait for their caller, go on or end, and are found when they have waited too long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.ledger.protocol import Ledger
from infra.records import Event, JobState, RunRecord, RunState, StepResult
from tests.contracts.ledger.given import RUN, TimedLedger, a_job, counts, ended, outcomes_now, state_of, succeeded

SOON_MS = 300


def unsure(ledger: Ledger, until_ms: int, run_id: str = "r1") -> RunRecord:
    """A stored run that is unsure; as it is stored."""
    run = RUN.model_copy(update={"id": run_id})
    ledger.create_run(run, [], [])
    waits = run.model_copy(update={"state": RunState.UNSURE, "waits_until_ms": until_ms})
    assert ledger.advance(waits, [], [Event(name="run.unsure", data={})], [])
    return waits.model_copy(update={"version": 1})


def going_on(run: RunRecord, choice: int = 1) -> RunRecord:
    told = {"state": RunState.RUNNING, "waits_until_ms": None, "body": {"choice": choice}}
    return run.model_copy(update=told)


def test_an_unsure_run_is_stored_as_it_is(timed: TimedLedger) -> None:
    run = unsure(timed.ledger, timed.now_ms() + SOON_MS)
    assert timed.ledger.load_run("r1") == run


def test_an_unsure_run_goes_on_with_its_first_jobs(timed: TimedLedger) -> None:
    ledger = timed.ledger
    run = unsure(ledger, timed.now_ms() + SOON_MS)

    assert ledger.reopen(going_on(run), [a_job(0), a_job(1)], [], [Event(name="run.confirmed", data={})])

    assert ledger.load_run("r1") == going_on(run).model_copy(update={"version": 2})
    assert [event.name for _, event in ledger.events("r1")] == ["run.unsure", "run.confirmed"]
    assert ledger.take_ready(10) == [("triage", a_job(0).id), ("triage", a_job(1).id)]
    succeeded(ledger, a_job(0))
    assert [outcome.job_id for outcome in outcomes_now(ledger)] == [a_job(0).id]


def test_of_two_who_choose_one_is_followed_and_the_others_jobs_are_not_made(timed: TimedLedger) -> None:
    ledger = timed.ledger
    run = unsure(ledger, timed.now_ms() + 60_000)

    def choose(choice: int) -> bool:
        return ledger.reopen(going_on(run, choice), [a_job(0, input={"text": f"plan {choice}"})], [], [])

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(choose, range(1, 5)))

    assert sorted(taken) == [False, False, False, True]
    stored, job = ledger.load_run("r1"), ledger.job(a_job(0).id)
    assert stored is not None
    assert job is not None
    assert job.job.input == {"text": f"plan {stored.body['choice']}"}
    assert counts(ledger) == {"ready": 1}


def test_a_run_that_runs_is_not_taken_up(timed: TimedLedger) -> None:
    ledger = timed.ledger
    run = unsure(ledger, timed.now_ms() + SOON_MS)
    assert ledger.reopen(going_on(run), [a_job(0)], [], [])

    assert not ledger.reopen(going_on(run).model_copy(update={"version": 2}), [a_job(1)], [], [])

    assert ledger.job(a_job(1).id) is None


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.FAILED, RunState.SUCCEEDED])
def test_an_unsure_run_ends_as_any_other(timed: TimedLedger, state: RunState) -> None:
    ledger = timed.ledger
    run = unsure(ledger, timed.now_ms() + SOON_MS)

    assert ledger.advance(ended(run, state), [StepResult(step_id="s1", index=0, output={})], [], [])

    assert not ledger.advance(going_on(run), [], [], [])
    assert ledger.release([a_job()]) == 0
    timed.passes(SOON_MS)
    assert ledger.overdue() == []


def test_a_refused_run_has_ended(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])

    assert ledger.advance(ended(RUN, RunState.REFUSED), [], [], [])

    assert state_of(ledger, a_job()) is JobState.CANCELLED
    assert ledger.dead_letters() == []
    assert not ledger.advance(going_on(RUN).model_copy(update={"version": 1}), [], [], [])


def test_a_run_that_has_waited_too_long_is_overdue_until_it_ends_or_goes_on(timed: TimedLedger) -> None:
    ledger = timed.ledger
    now_ms = timed.now_ms()
    late, later, _ = (unsure(ledger, now_ms + wait, name) for wait, name in ((280, "r2"), (240, "r3"), (60_000, "r4")))
    assert ledger.overdue() == []

    timed.passes(SOON_MS)

    assert ledger.overdue() == ["r3", "r2"]
    assert ledger.overdue(1) == ["r3"]
    assert ledger.advance(ended(later, RunState.FAILED), [], [], [])
    assert ledger.reopen(going_on(late), [], [], [])
    assert ledger.overdue() == []


def test_a_run_may_be_unsure_from_its_beginning(timed: TimedLedger) -> None:
    ledger = timed.ledger
    run = RUN.model_copy(update={"state": RunState.UNSURE, "waits_until_ms": timed.now_ms() + 20})
    ledger.create_run(run, [], [])

    timed.passes(SOON_MS)

    assert ledger.overdue() == ["r1"]
    assert ledger.reopen(going_on(run), [a_job()], [], [])
    assert counts(ledger) == {"ready": 1}


def test_a_run_that_is_unsure_again_waits_anew(timed: TimedLedger) -> None:
    ledger = timed.ledger
    run = unsure(ledger, timed.now_ms() + 20)
    timed.passes(SOON_MS)
    assert ledger.advance(run.model_copy(update={"waits_until_ms": timed.now_ms() + 60_000}), [], [], [])
    assert ledger.overdue() == []


def test_a_limit_that_asks_for_nothing_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        ledger.overdue(0)
