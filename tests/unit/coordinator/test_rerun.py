"""reopen: an ended run taken up again, decided without a ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coordinator.plans.plan import PLANNING
from coordinator.runs.advance import advance, cancel
from coordinator.runs.progress import StepState
from coordinator.runs.rerun import RerunRefused, reopen
from coordinator.runs.run import Run
from infra.records import Job, RunState
from specialists.catalog import Catalog
from specialists.manifest import Reusing
from tests.support.answers import draft, planned, refused, unsure
from tests.support.story import CATALOG, COUNT, INTENT, JOIN, SORT, Story, all_done, done, failed, goal_run, ref, run_of

Json = dict[str, Any]
OTHER = {"intent": "cancel_transfer"}
ROWS = {"rows": [INTENT]}
COUNTS = {"counts": [], "total": 1}
OF_S1 = {"id": "s4", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def finish(story: Story) -> None:
    """Answer all that the run asks for."""
    outputs: dict[str, Json] = {"triage": INTENT, "table": ROWS, "count": COUNTS}
    while story.jobs:
        story.advance(*(done(job, outputs[job.type]) for job in story.jobs))


def failed_in_the_middle() -> Story:
    """Of three items the first has an output, the second failed."""
    story = Story(run_of(SORT, JOIN))
    first, second, _ = story.jobs
    story.advance(done(first, OTHER), failed(second))
    assert story.run.state is RunState.FAILED
    return story


def test_what_has_an_output_keeps_it_and_the_rest_is_done_again() -> None:
    story = failed_in_the_middle()
    story.reopen()
    assert ids(story.jobs) == ["r.s1.1", "r.s1.2"]
    assert {job.round for job in story.jobs} == {1}
    assert (story.run.state, story.run.failure, story.run.jobs) == (RunState.RUNNING, None, 3)
    story.advance(*all_done(story.jobs))
    assert story.jobs[0].input["columns"][1] == [OTHER, INTENT, INTENT]
    finish(story)
    assert story.run.state is RunState.SUCCEEDED


def test_it_has_its_whole_time_again() -> None:
    story = failed_in_the_middle()
    story.reopen(now_ms=90_000)
    assert (story.run.created_ms, story.run.since_ms, story.run.deadline_ms) == (1000, 90_000, 150_000)
    assert {job.deadline_ms for job in story.jobs} == {150_000}


def test_what_is_done_anew_is_answered_by_nothing_that_is_kept() -> None:
    """Also by the round after, where the first came to nothing; what is only missing may be answered so."""
    kept = CATALOG.get("triage")
    manifest = kept.manifest.model_copy(update={"reuse": Reusing(cache_s=60)})
    catalog = Catalog([replace(each, manifest=manifest) if each is kept else each for each in CATALOG])
    broken = failed_in_the_middle()
    missing = reopen(broken.run, broken.stored, catalog, 9).change
    assert [job.reuse.fresh for job in missing.jobs if job.reuse] == [False, False]
    ended = Story(run_of(SORT, JOIN))
    finish(ended)
    anew = reopen(ended.run, ended.stored, catalog, 9, "s1").change
    assert [job.reuse.fresh for job in anew.jobs if job.reuse] == [True] * 3
    after = reopen(cancel(anew.run).run, lambda step: ended.stored(step) if step == "inputs" else {}, catalog, 9).change
    assert [job.reuse.fresh for job in after.jobs if job.reuse] == [True] * 3


def test_a_run_that_was_taken_up_says_so_before_it_releases() -> None:
    story = failed_in_the_middle()
    reopened = story.reopen()
    assert [event.data for event in reopened.events] == [{"round": 1, "step": None, "deadline_ms": 150_000}]
    assert [event.data["kept"] for event in reopened.change.events] == [1]
    assert story.events[-3:] == ["run.ended", "run.reopened", "step.released"]


def test_a_reopened_run_that_was_not_released_is_released_the_same_by_whoever_finds_it() -> None:
    """The API saves a large one before its release: where it dies, a coordinator decides from what is saved."""
    story = failed_in_the_middle()
    reopened = story.reopen()
    assert advance(reopened.run, [], story.stored, CATALOG) == reopened.change


def test_late_outcomes_of_the_round_before_count_no_more() -> None:
    story = Story(run_of(SORT, JOIN))
    late = all_done(story.jobs)
    story.advance(failed(story.jobs[0]))
    jobs = story.reopen().change.jobs
    story.advance(*late)
    assert story.run.steps["s1"].succeeded == 0
    story.advance(*all_done(jobs))
    finish(story)
    assert story.run.state is RunState.SUCCEEDED


def test_a_run_that_was_cancelled_goes_on_where_it_was() -> None:
    story = Story(run_of(SORT, JOIN))
    story.advance(done(story.jobs[1], OTHER))
    story.run = cancel(story.run).run
    story.reopen()
    assert ids(story.jobs) == ["r.s1.0", "r.s1.2"]


def test_from_a_step_it_and_all_that_depends_on_it_is_done_anew() -> None:
    story = Story(run_of(SORT, JOIN, COUNT, OF_S1))
    finish(story)
    reopened = story.reopen("s2")
    assert ids(story.jobs) == ["r.s2.0"]
    assert reopened.forget == ["s2", "s3"]
    assert story.run.steps["s4"].state is StepState.DONE
    finish(story)
    assert story.run.state is RunState.SUCCEEDED
    assert story.events.count("run.ended") == 2


def test_from_the_first_step_nothing_is_kept_but_the_inputs() -> None:
    story = Story(run_of(SORT, JOIN))
    finish(story)
    story.reopen("s1")
    assert ids(story.jobs) == ["r.s1.0", "r.s1.1", "r.s1.2"]
    assert story.results.keys() == {"inputs"}


def test_from_a_step_whose_needs_failed_these_are_done_first() -> None:
    story = failed_in_the_middle()
    story.reopen("s2")
    assert ids(story.jobs) == ["r.s1.1", "r.s1.2"]


@pytest.mark.parametrize("on_failure", ["skip", {"default": OTHER}])
def test_gaps_are_filled_and_what_was_made_of_them_is_done_anew(on_failure: Any) -> None:
    story = Story(run_of({**SORT, "on_failure": on_failure}, JOIN))
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), done(third, INTENT))
    finish(story)
    reopened = story.reopen()
    assert (ids(story.jobs), reopened.forget) == (["r.s1.1"], ["s2"])
    story.advance(*all_done(story.jobs))
    assert story.jobs[0].input["columns"][1] == [INTENT, INTENT, INTENT]


def test_from_a_step_gaps_before_it_stay() -> None:
    story = Story(run_of({**SORT, "on_failure": "skip"}, JOIN))
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), done(third, INTENT))
    finish(story)
    story.reopen("s2")
    assert story.jobs[0].input["columns"][1] == [INTENT, None, INTENT]


def test_a_quorum_that_was_reached_has_no_gaps() -> None:
    story = Story(run_of({**SORT, "join": "any"}, JOIN))
    story.advance(failed(story.jobs[0]), done(story.jobs[1], INTENT))
    story.advance(failed(story.jobs[0]))
    story.reopen()
    assert ids(story.jobs) == ["r.s2.0"]


def test_a_quorum_that_was_not_reached_needs_only_what_is_missing() -> None:
    story = Story(run_of({**SORT, "join": {"quorum": 2}}, JOIN))
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), failed(third))
    story.reopen()
    change = story.advance(done(story.jobs[1], INTENT))
    assert change.jobs[0].input["columns"][1] == [INTENT, None, INTENT]
    assert change.cancels == [second.id]


def test_a_goal_that_failed_in_planning_is_planned_again() -> None:
    story = Story(goal_run())
    story.advance(done(story.jobs[0], planned({**SORT, "type": "sumarize"})))
    story.reopen()
    assert ids(story.jobs) == ["r.planner.0"]
    story.advance(done(story.jobs[0], planned(SORT)))
    assert ids(story.jobs) == ["r.s1.0", "r.s1.1", "r.s1.2"]


@pytest.mark.parametrize("answer", [refused(), unsure(draft(SORT))])
def test_a_goal_that_came_to_no_plan_is_planned_again(answer: dict[str, Any]) -> None:
    story = Story(goal_run())
    story.advance(done(story.jobs[0], answer))
    if story.run.state is RunState.UNSURE:
        story.cancel()
    story.reopen()
    assert ids(story.jobs) == ["r.planner.0"]
    assert (story.run.state, story.run.candidates, story.run.reason) == (RunState.RUNNING, (), "")
    story.advance(done(story.jobs[0], planned(SORT)))
    assert ids(story.jobs) == ["r.s1.0", "r.s1.1", "r.s1.2"]


def test_a_goal_that_waits_to_be_confirmed_is_not_taken_up_again() -> None:
    story = Story(goal_run())
    story.advance(done(story.jobs[0], unsure(draft(SORT))))
    with pytest.raises(RerunRefused, match="confirm one, or cancel it"):
        story.reopen()


def test_a_goal_that_was_planned_keeps_its_plan() -> None:
    story = Story(goal_run())
    story.advance(done(story.jobs[0], planned(SORT)))
    story.advance(*map(failed, story.jobs))
    story.reopen()
    assert ids(story.jobs) == ["r.s1.0", "r.s1.1", "r.s1.2"]
    assert story.run.jobs == 4
    with pytest.raises(RerunRefused, match="still runs"):
        story.reopen(PLANNING)


def test_a_run_may_be_taken_up_again_and_again() -> None:
    story = failed_in_the_middle()
    for round in (1, 2, 3):
        story.reopen()
        assert {job.round for job in story.jobs} == {round}
        story.advance(failed(story.jobs[0]))
    story.reopen()
    finish(story)
    assert story.run.state is RunState.SUCCEEDED


def test_a_run_that_goes_on_is_not_taken_up() -> None:
    with pytest.raises(RerunRefused, match="still runs"):
        Story(run_of(SORT)).reopen()


def test_an_unknown_step_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(RerunRefused, match="no step 's9'; known: s1, s2"):
        failed_in_the_middle().reopen("s9")


def test_where_nothing_is_missing_there_is_nothing_to_do_again() -> None:
    story = Story(run_of(SORT))
    finish(story)
    with pytest.raises(RerunRefused, match="no output is missing; say from which step"):
        story.reopen()


def test_inputs_that_were_forgotten_are_said() -> None:
    story = failed_in_the_middle()
    del story.results["inputs"]
    with pytest.raises(RerunRefused, match="inputs are not kept any more"):
        story.reopen()


def test_outputs_that_were_forgotten_are_said() -> None:
    story = Story(run_of(SORT, JOIN))
    finish(story)
    del story.results["s1"]
    with pytest.raises(RerunRefused, match="of 3 outputs of step 's1' only 0 are still kept"):
        story.reopen("s2")


def test_what_would_fail_at_once_is_not_taken_up() -> None:
    table = {"id": "s1", "type": "table", "args": {"columns": [ref("inputs.messages")]}}
    fan = {"id": "s2", "type": "triage", "map": {"over": ref("s1.rows"), "as": "row"}, "args": {"text": ref("row.x")}}
    story = Story(run_of(table, fan, inputs={"messages": ["a", {"x": "b"}]}))
    story.advance(done(story.jobs[0], {"rows": [{"value": "a"}]}))
    with pytest.raises(RerunRefused, match=r"it would fail at once: step 's2': reference 'row\.x' has no value"):
        story.reopen()


def test_a_step_without_jobs_is_nothing_to_do_again() -> None:
    story = Story(run_of(SORT, inputs={"messages": []}))
    with pytest.raises(RerunRefused, match="no job to do again from step 's1' on"):
        story.reopen("s1")


def test_a_job_type_that_is_gone_is_said() -> None:
    story = failed_in_the_middle()
    story.catalog = Catalog(specialist for specialist in CATALOG if specialist.name != "table")
    with pytest.raises(RerunRefused, match="step 's2' asks for job type 'table', which is here no more"):
        story.reopen()


def test_jobs_that_are_done_anew_ask_for_the_likeliest_values_as_before() -> None:
    step = {"id": "s1", "type": "triage", "args": {"text": "a"}, "top": 3}
    story = Story(Run.load(run_of(step).record(1)))
    assert [job.top for job in story.jobs] == [3]
    finish(story)
    assert [job.top for job in story.reopen("s1").change.jobs] == [3]
