"""Runs: stored, advanced once, ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import Claim, Event, FailureKind, JobState, Refusal, RunState, StepResult
from tests.contracts.ledger.given import (
    IDLE_MS,
    LEASE_MS,
    RUN,
    TimedLedger,
    a_job,
    claimed,
    ended,
    outcomes_now,
    recent,
    state_of,
    success_of,
)


def test_a_run_is_stored_with_its_first_jobs_and_events(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [Event(name="run.accepted", data={"n": 1})])

    assert ledger.load_run("r1") == RUN
    assert ledger.take_ready(10) == [("triage", "r1.s1.0")]
    assert [event.name for _, event in ledger.events("r1")] == ["run.accepted"]


def test_creating_a_run_twice_creates_it_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.create_run(RUN, [a_job()], [Event(name="run.accepted", data={})])

    assert len(ledger.events("r1")) == 1
    assert len(recent(ledger)) == 1
    assert ledger.depths()["triage"]["ready"] == 1


def test_an_unknown_run_is_none(ledger: Ledger) -> None:
    assert ledger.load_run("r9") is None
    assert not ledger.advance(RUN, [], [], [])
    assert ledger.events("r9") == []
    assert ledger.results("r9", "s1") == {}


def test_the_newest_runs_come_first(ledger: Ledger) -> None:
    for name in ("r1", "r2", "r3"):
        ledger.create_run(RUN.model_copy(update={"id": name}), [], [])

    assert [run.id for run in recent(ledger, 2)] == ["r3", "r2"]


def test_advance_saves_record_results_and_events_together(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    changed = RUN.model_copy(update={"body": {"goal": "count"}})

    saved = ledger.advance(
        changed, [StepResult(step_id="s1", index=7, output={"n": 2})], [Event(name="e", data={})], []
    )

    assert saved
    assert ledger.load_run("r1") == changed.model_copy(update={"version": 1})
    assert ledger.results("r1", "s1") == {7: {"n": 2}}
    assert [event.name for _, event in ledger.events("r1")] == ["e"]


def test_advance_from_a_stale_version_changes_nothing(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    ledger.commit(success_of(claim := claimed(ledger, a_job())), claim.token)
    [(entry, _)] = ledger.outcomes("c1", 10, 0)
    assert ledger.advance(RUN, [], [], [])

    late = ended(RUN.model_copy(update={"body": {}}))
    saved = ledger.advance(late, [StepResult(step_id="s1", index=0, output={})], [Event(name="e", data={})], [entry])

    assert not saved
    assert ledger.load_run("r1") == RUN.model_copy(update={"version": 1})
    assert ledger.results("r1", "s1") == {}
    assert ledger.events("r1") == []


def test_a_stale_advance_leaves_its_outcomes_unacknowledged(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.create_run(RUN, [a_job()], [])
    ledger.commit(success_of(claim := claimed(ledger, a_job())), claim.token)
    [(entry, outcome)] = ledger.outcomes("c1", 10, 0)
    ledger.advance(RUN.model_copy(update={"version": 5}), [], [], [entry])

    timed.passes(IDLE_MS)

    assert ledger.outcomes("c1", 10, 0) == [(entry, outcome)]


def test_only_one_of_two_racing_advances_is_saved(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda _: ledger.advance(RUN, [], [Event(name="e", data={})], []), range(4)))

    assert sorted(saved) == [False, False, False, True]
    assert len(ledger.events("r1")) == 1


def test_a_run_that_has_ended_is_never_changed_but_its_outcomes_are_acknowledged(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.create_run(RUN, [a_job()], [])
    ledger.commit(success_of(claim := claimed(ledger, a_job())), claim.token)
    [(entry, _)] = ledger.outcomes("c1", 10, 0)
    assert ledger.advance(ended(RUN, RunState.FAILED), [], [], [])
    last = ledger.load_run("r1")
    assert last is not None

    assert not ledger.advance(last.model_copy(update={"state": RunState.RUNNING}), [], [], [entry])

    timed.passes(IDLE_MS)
    assert ledger.load_run("r1") == last
    assert ledger.outcomes("c1", 10, 0) == []


def test_ending_a_run_cancels_its_waiting_jobs_and_no_others(ledger: Ledger) -> None:
    other = a_job(run_id="r2")
    ledger.create_run(RUN, [a_job(i) for i in range(600)], [])
    ledger.release([other])
    assert len(ledger.take_ready(5)) == 5

    assert ledger.advance(ended(RUN), [], [], [])

    assert {state_of(ledger, a_job(i)) for i in range(600)} == {JobState.CANCELLED}
    assert state_of(ledger, other) is JobState.READY
    assert ledger.take_ready(10) == [("triage", other.id)]
    assert ledger.claim(a_job(0).id, "w1", LEASE_MS) is Refusal.ENDED
    assert outcomes_now(ledger) == []


def test_ending_a_run_fences_the_job_that_is_running(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    claim = claimed(ledger, a_job())

    ledger.advance(ended(RUN), [], [], [])

    assert ledger.renew({claim.job.id: claim.token}, LEASE_MS) == [claim.job.id]
    assert not ledger.commit(success_of(claim), claim.token)
    status = ledger.job(claim.job.id)
    assert status is not None
    assert status.state is JobState.CANCELLED
    assert status.outcome is not None
    assert status.outcome.failure is not None
    assert status.outcome.failure.kind is FailureKind.CANCELLED


def test_jobs_of_a_run_that_has_ended_are_not_released(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    ledger.advance(ended(RUN), [], [], [])

    assert ledger.release([a_job()]) == 0
    assert ledger.job(a_job().id) is None


def test_a_run_of_two_thousand_jobs_ends_with_every_result_once(ledger: Ledger) -> None:
    size = 2_000
    ledger.create_run(RUN, [], [])
    assert ledger.release(a_job(i) for i in range(size)) == size

    done = 0
    while taken := ledger.take_ready(256):
        for _, job_id in taken:
            claim = ledger.claim(job_id, "w1", LEASE_MS)
            assert isinstance(claim, Claim)
            assert ledger.commit(success_of(claim), claim.token)
        run = ledger.load_run("r1")
        assert run is not None
        entries = ledger.outcomes("c1", 500, 0)
        results = [StepResult(step_id="s1", index=outcome.index, output={"i": outcome.index}) for _, outcome in entries]
        assert ledger.advance(run, results, [], [entry for entry, _ in entries])
        done += len(entries)

    assert done == size
    assert ledger.results("r1", "s1") == {i: {"i": i} for i in range(size)}
