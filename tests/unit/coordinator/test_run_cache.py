"""Which runs a coordinator need not load."""

from __future__ import annotations

from coordinator.plans.plan import Limits, Plan, Step
from coordinator.runs.run import Run
from coordinator.runs.run_cache import KEPT_S, MOST, SHARED_S, KnownRuns
from infra.records import RunState


def a_run(run_id: str = "r1", state: RunState = RunState.RUNNING) -> Run:
    plan = Plan(
        steps=(Step(id="s1", type="count"),), result=None, limits=Limits(max_jobs=1, deadline_s=1, max_replans=0)
    )
    run = Run.of_plan(run_id, plan, {}, 0)
    return run.model_copy(update={"state": state})


def test_a_run_is_known_from_its_save_until_it_is_taken() -> None:
    known, run = KnownRuns(), a_run()
    assert known.take("r1") is None
    known.saved(run, 3)
    assert known.take("r1") == (run, 3)
    assert known.take("r1") is None


def test_a_run_is_known_for_less_time_than_a_fail_over_takes() -> None:
    now_s = 100.0
    known = KnownRuns(lambda: now_s)
    known.saved(a_run(), 3)
    now_s += KEPT_S
    assert known.take("r1") is None


def test_a_run_that_has_ended_is_not_kept() -> None:
    known = KnownRuns()
    known.saved(a_run(state=RunState.SUCCEEDED), 3)
    assert known.take("r1") is None


def test_the_run_saved_longest_ago_makes_room() -> None:
    known = KnownRuns()
    for n in range(MOST + 1):
        known.saved(a_run(f"r{n}"), 1)
    assert known.take("r0") is None
    assert known.take("r1") is not None


def test_where_others_save_runs_too_none_is_known_for_a_while() -> None:
    now_s = 100.0
    known = KnownRuns(lambda: now_s)
    known.saved(a_run("r1"), 1)
    known.refused()
    known.saved(a_run("r2"), 1)
    assert (known.take("r1"), known.take("r2")) == (None, None)
    now_s += SHARED_S
    known.saved(a_run("r2"), 2)
    assert known.take("r2") is not None
