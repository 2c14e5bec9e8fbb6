"""advance: what a run does next, decided without a ledger or a queue."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import PLANNING, Step
from coordinator.runs.advance import advance, cancel
from coordinator.runs.progress import StepState
from coordinator.runs.run import Run
from infra.records import FailureKind, RunState
from tests.support.answers import planned
from tests.support.story import (
    ASKED,
    CATALOG,
    COUNT,
    INTENT,
    JOIN,
    LEAVING_OUT,
    LIMITS,
    SORT,
    Story,
    all_done,
    done,
    failed,
    goal_run,
    ref,
    run_of,
)


def test_a_new_run_releases_the_steps_that_need_none() -> None:
    story = Story(run_of(SORT, JOIN))
    assert [(job.id, job.type, job.input) for job in story.jobs] == [
        ("r.s1.0", "triage", {"text": "a"}),
        ("r.s1.1", "triage", {"text": "b"}),
        ("r.s1.2", "triage", {"text": "c"}),
    ]
    assert story.jobs[0].deadline_ms == 61_000
    assert story.jobs[0].attempts == CATALOG.get("triage").manifest.limits.attempts


def test_a_step_waits_for_every_job_of_the_step_it_needs() -> None:
    story = Story(run_of(SORT, JOIN))
    first, second, third = story.jobs
    story.advance(done(third, INTENT), done(first, INTENT))
    assert story.jobs == []
    story.advance(done(second, INTENT))
    assert [job.id for job in story.jobs] == ["r.s2.0"]


def test_a_fan_in_gets_the_outputs_in_the_order_of_the_list() -> None:
    story = Story(run_of(SORT, JOIN))
    outcomes = [done(job, {"intent": job.input["text"]}) for job in story.jobs]
    story.advance(outcomes[2], outcomes[0])
    story.advance(outcomes[1])
    intents = [{"intent": "a"}, {"intent": "b"}, {"intent": "c"}]
    assert story.jobs[0].input == {"columns": [["a", "b", "c"], intents]}


def test_the_last_step_ends_the_run() -> None:
    story = Story(run_of(SORT, JOIN, COUNT))
    story.advance(*all_done(story.jobs))
    story.advance(done(story.jobs[0], {"rows": [INTENT]}))
    assert story.jobs[0].input == {"items": [INTENT], "field": "intent"}
    story.advance(done(story.jobs[0], {"counts": [], "total": 0}))
    assert story.run.state is RunState.SUCCEEDED
    assert story.events[-1] == "run.ended"


def test_the_same_outcomes_twice_change_nothing() -> None:
    story = Story(run_of(SORT, JOIN))
    outcomes = all_done(story.jobs[:2])
    story.advance(*outcomes)
    before = story.run
    change = story.advance(*outcomes)
    assert change.run == before
    assert (change.jobs, change.results, change.events) == ([], [], [])


def test_deciding_twice_before_saving_decides_the_same() -> None:
    """A crash between release and save: the same jobs by the same ids, so releasing them again creates none."""
    story = Story(run_of(SORT, JOIN))
    outcomes, run = all_done(story.jobs), story.run
    first = advance(run, outcomes, story.stored, CATALOG)
    assert advance(run, outcomes, story.stored, CATALOG) == first


def test_an_outcome_costs_no_look_at_earlier_results() -> None:
    story = Story(run_of(SORT, JOIN))
    jobs = story.jobs
    for job in jobs[:-1]:
        story.advance(done(job, INTENT))
    assert story.asked == []
    story.advance(done(jobs[-1], INTENT))
    assert sorted(story.asked) == ["inputs", "s1"]


def test_outputs_that_are_all_at_hand_are_not_asked_for() -> None:
    story = Story(
        run_of(
            {**SORT, "map": None, "args": {"text": "Where is my card?"}}, {**JOIN, "args": {"columns": [[ref("s1")]]}}
        )
    )

    change = story.advance(*all_done(story.jobs))

    assert change.jobs[0].input == {"columns": [[INTENT]]}
    assert story.asked == []


def test_the_record_of_a_long_map_stays_small() -> None:
    messages = [f"message {number}" for number in range(10_000)]
    plan = compile_plan(
        {"steps": [SORT]}, CATALOG, {"messages": messages}, LIMITS.model_copy(update={"max_jobs": 10_000})
    )
    story = Story(Run.of_plan("r", plan, {"messages": messages}, 1000))
    story.advance(*all_done(story.jobs[1::2]))
    assert len(story.run.record(0).model_dump_json()) < 4_000


def test_an_empty_list_is_done_at_once_and_so_is_what_follows() -> None:
    story = Story(
        run_of(
            SORT,
            {**SORT, "id": "s2", "map": {"over": ref("s1"), "as": "row"}, "args": {"text": ref("row.intent")}},
            inputs={"messages": []},
        )
    )
    assert story.run.state is RunState.SUCCEEDED
    assert story.jobs == []


def test_what_follows_an_empty_map_is_released_with_an_empty_list() -> None:
    story = Story(
        run_of(
            SORT,
            {"id": "s2", "type": "count", "args": {"items": ref("s1"), "field": "intent"}},
            inputs={"messages": []},
        )
    )
    assert [job.input for job in story.jobs] == [{"items": [], "field": "intent"}]


def test_a_failed_job_fails_the_run_with_its_reason() -> None:
    story = Story(run_of(SORT, JOIN))
    story.advance(failed(story.jobs[1]))
    assert story.run.state is RunState.FAILED
    assert story.run.failure is not None
    assert (story.run.failure.kind, story.run.failure.message) == (FailureKind.ENGINE, "it broke")
    assert (story.run.failure.step, story.run.failure.index) == ("s1", 1)
    assert story.run.steps["s1"].state is StepState.FAILED


def test_an_ended_run_stays_as_it_ended() -> None:
    story = Story(run_of(SORT))
    jobs = story.jobs
    story.advance(failed(jobs[0]))
    change = story.advance(*all_done(jobs[1:]))
    assert (change.run, change.jobs, change.events) == (story.run, (), [])


def test_a_skipped_item_is_null_in_the_steps_value() -> None:
    story = Story(run_of({**SORT, "on_failure": "skip"}, JOIN))
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), done(third, INTENT))
    assert story.jobs[0].input["columns"][1] == [INTENT, None, INTENT]
    assert story.run.steps["s1"].skipped == 1


def test_a_failed_item_has_the_output_that_the_step_says() -> None:
    other = {"intent": "cancel_transfer"}
    story = Story(run_of({**SORT, "on_failure": {"default": other}}, JOIN))
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), done(third, INTENT))
    assert story.jobs[0].input["columns"][1] == [INTENT, other, INTENT]
    assert (story.run.steps["s1"].succeeded, story.run.steps["s1"].defaulted) == (2, 1)
    assert story.results["s1"].keys() == {0, 2}


def test_a_failed_step_of_one_job_has_the_output_that_it_says() -> None:
    table = {"id": "s1", "type": "table", "args": {"columns": [ref("inputs.messages")]}}
    count = {"id": "s2", "type": "count", "args": {"items": ref("s1.rows"), "field": "value"}}
    story = Story(run_of({**table, "on_failure": {"default": {"rows": []}}}, count))
    story.advance(failed(story.jobs[0]))
    assert story.jobs[0].input == {"items": [], "field": "value"}


def test_a_step_that_joins_any_is_done_with_its_first_output() -> None:
    story = Story(run_of({**SORT, "join": "any"}, JOIN))
    first, second, third = story.jobs
    story.advance(failed(first))
    assert story.jobs == []
    change = story.advance(done(third, INTENT))
    assert change.cancels == [second.id]
    assert change.jobs[0].input["columns"][1] == [None, None, INTENT]


def test_a_quorum_that_has_succeeded_leaves_no_place_for_more() -> None:
    story = Story(run_of({**SORT, "join": {"quorum": 2}}, JOIN))
    first, second, third = story.jobs
    change = story.advance(done(third, INTENT), done(first, INTENT), done(second, INTENT))
    assert change.jobs[0].input["columns"][1] == [INTENT, None, INTENT]
    assert story.results["s1"].keys() == {0, 2}
    (end,) = [event.data for event in change.events if event.name == "step.ended"]
    assert end == {"step": "s1", "succeeded": 2, "skipped": 0, "defaulted": 0, "cancelled": 1}


def test_a_cancelled_job_that_ends_late_changes_nothing() -> None:
    story = Story(run_of({**SORT, "join": "any"}, JOIN))
    first, second, _ = story.jobs
    story.advance(done(first, INTENT))
    before = story.run
    change = story.advance(done(second, INTENT))
    assert (change.run, change.jobs, change.results, change.events, change.cancels) == (before, [], [], [], [])


def test_a_quorum_that_cannot_be_reached_fails_the_run_and_says_by_how_much() -> None:
    story = Story(run_of({**SORT, "join": {"quorum": 2}}, JOIN))
    first, second, third = story.jobs
    states = [story.advance(failed(job)).run.state for job in (first, third)]
    assert states == [RunState.RUNNING, RunState.FAILED]
    assert story.run.failure is not None
    assert story.run.failure.message == "2 of 3 jobs failed, 2 must succeed; the last: it broke"
    assert second.id not in story.results


@pytest.mark.parametrize(
    ("on_failure", "place", "counts"),
    [("skip", None, (1, 2, 0, 1)), ({"default": {"intent": "x"}}, {"intent": "x"}, (1, 0, 3, 0))],
)
def test_a_quorum_that_cannot_be_reached_ends_the_step_as_it_says(
    on_failure: Any, place: Any, counts: tuple[int, ...]
) -> None:
    sort = {**SORT, "join": {"quorum": 3}, "on_failure": on_failure}
    plan = compile_plan({"steps": [SORT, JOIN]}, CATALOG, {"messages": list("abcd")}, LIMITS)
    steps = (Step.model_validate(sort), plan.steps[1])
    story = Story(Run.of_plan("r", plan.model_copy(update={"steps": steps}), {"messages": list("abcd")}, 1000))
    first, second, third, fourth = story.jobs
    change = story.advance(failed(first), done(second, INTENT), failed(third))
    assert change.jobs[0].input["columns"][1] == [place, INTENT, place, place]
    assert change.cancels == [fourth.id]
    (end,) = [tuple(event.data.values())[1:] for event in change.events if event.name == "step.ended"]
    assert end == counts


def leaving_out(sort: Any = SORT, **inputs: Any) -> Story:
    sort = {**sort, **LEAVING_OUT}
    plan = compile_plan({"steps": [sort, JOIN]}, CATALOG, inputs or {"messages": list("abc")}, LIMITS)
    return Story(Run.of_plan("r", plan, inputs or {"messages": list("abc")}, 1000))


def test_what_is_left_out_is_null_in_its_place_and_told() -> None:
    story = leaving_out()
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), done(third, INTENT))
    assert story.jobs[0].input["columns"][1] == [INTENT, None, INTENT]
    assert [(each.index, each.why) for each in story.run.steps["s1"].left_out] == [(1, "it broke")]


def test_a_step_that_leaves_everything_out_fails_the_run() -> None:
    story = leaving_out()
    story.advance(*map(failed, story.jobs))
    assert story.run.state is RunState.FAILED
    assert story.run.failure is not None
    assert story.run.failure.message == "3 of 3 jobs failed, 1 must succeed; the last: it broke"


def test_an_empty_list_leaves_nothing_out() -> None:
    assert leaving_out(messages=[]).run.steps["s1"].state is StepState.DONE


RECORDS = [{"body": "a"}, {"subject": "no body"}, {"body": "c"}]


@pytest.mark.parametrize("on_failure", ["leave_out", "skip", {"default": INTENT}])
def test_an_element_without_the_field_that_is_asked_for_is_left_out_before_it_is_a_job(on_failure: Any) -> None:
    sort = {**SORT, "args": {"text": ref("item.body")}, "on_failure": on_failure}
    plan = compile_plan({"steps": [sort, JOIN]}, CATALOG, {"messages": RECORDS}, LIMITS)
    story = Story(Run.of_plan("r", plan, {"messages": RECORDS}, 1000))
    assert [job.id for job in story.jobs] == ["r.s1.0", "r.s1.2"]
    story.advance(*all_done(story.jobs))
    place = INTENT if isinstance(on_failure, dict) else None
    assert story.jobs[0].input["columns"][1] == [INTENT, place, INTENT]
    assert story.run.steps["s1"].left_out[0].why == "reference 'item.body' has no value: no 'body' there"


def test_what_one_step_left_out_the_next_leaves_out_too() -> None:
    again = {"id": "s2", "type": "triage", "map": {"over": ref("s1"), "as": "it"}, "args": {"text": ref("it.intent")}}
    plan = compile_plan(
        {"steps": [{**SORT, **LEAVING_OUT}, {**again, **LEAVING_OUT}]}, CATALOG, {"messages": list("abc")}, LIMITS
    )
    story = Story(Run.of_plan("r", plan, {"messages": list("abc")}, 1000))
    first, second, third = story.jobs
    story.advance(done(first, INTENT), failed(second), done(third, INTENT))
    assert [job.id for job in story.jobs] == ["r.s2.0", "r.s2.2"]


def test_a_list_of_which_no_element_makes_a_job_fails_the_run_when_it_is_released() -> None:
    table = {"id": "s1", "type": "table", "args": {"columns": [ref("inputs.messages")]}}
    fan = {**SORT, "id": "s2", "map": {"over": ref("s1.rows"), "as": "item"}, "args": {"text": ref("item.doc.body")}}
    messages = [{"doc": {"body": "a"}}, {"doc": 5}]
    plan = compile_plan({"steps": [table, {**fan, **LEAVING_OUT}]}, CATALOG, {"messages": messages}, LIMITS)
    story = Story(Run.of_plan("r", plan, {"messages": messages}, 1000))
    story.advance(done(story.jobs[0], {"rows": [{"value": "a"}, {"value": "b"}]}))
    assert story.jobs == []
    assert story.run.failure is not None
    assert story.run.failure.message.startswith("step 's2': 2 of 2 jobs failed, 1 must succeed; the first: reference")


def test_the_record_says_the_reasons_of_the_first_places_alone() -> None:
    story = leaving_out(messages=[str(n) for n in range(40)])
    story.advance(*map(failed, story.jobs[:-1]), done(story.jobs[-1], INTENT))
    progress = story.run.steps["s1"]
    assert (progress.skipped, len(progress.left_out)) == (39, 20)


def test_a_quorum_of_more_than_a_list_turns_out_to_have_fails_the_run_before_it_is_released() -> None:
    table = {"id": "s1", "type": "table", "args": {"columns": [ref("inputs.messages")]}}
    fan = {
        "id": "s2",
        "type": "triage",
        "map": {"over": ref("s1.rows"), "as": "row"},
        "args": {"text": ref("row.value")},
        "join": {"quorum": 2},
    }
    story = Story(run_of(table, fan))
    story.advance(done(story.jobs[0], {"rows": [{"value": "a"}]}))
    assert story.jobs == []
    assert story.run.failure is not None
    assert story.run.failure.message == "step 's2': 2 of its jobs must succeed, and it has 1"


def test_a_run_that_ends_leaves_the_cancelling_of_its_jobs_to_the_ledger() -> None:
    story = Story(run_of({**SORT, "join": "any"}))
    assert story.advance(done(story.jobs[0], INTENT)).cancels == ()


def test_an_outcome_of_another_round_changes_nothing() -> None:
    story = Story(run_of(SORT).model_copy(update={"round": 1}))
    assert {job.round for job in story.jobs} == {1}
    before = story.run
    outcomes = all_done(story.jobs)
    change = story.advance(*(outcome.model_copy(update={"round": round}) for outcome in outcomes for round in (0, 2)))
    assert (change.run.steps, list(change.events), set(story.results)) == (before.steps, [], {"inputs"})


def test_an_outcome_waits_for_the_release_of_its_step_unless_it_is_of_an_earlier_round() -> None:
    story = Story(run_of(SORT, JOIN).model_copy(update={"round": 1}))
    early = done(story.jobs[0], INTENT).model_copy(update={"step_id": "s2"})
    assert story.run.settles(done(story.jobs[0], INTENT))
    assert not story.run.settles(early)
    assert story.run.settles(early.model_copy(update={"round": 0}))


def test_a_record_from_before_joins_still_reads() -> None:
    story = Story(run_of({**SORT, "on_failure": "skip"}, JOIN))
    record = story.run.record(1)
    for name in ("defaulted", "round", "reopened_ms"):
        assert name not in record.model_dump_json()
    assert Run.load(record) == story.run


def test_an_output_is_data_even_if_it_looks_like_a_reference() -> None:
    story = Story(
        run_of(
            {"id": "s1", "type": "filter", "args": {"items": ref("inputs.messages"), "field": "value", "equals": "b"}},
            {"id": "s2", "type": "count", "args": {"items": ref("s1.items"), "field": "value"}},
        )
    )
    story.advance(done(story.jobs[0], {"items": [ref("inputs.note")], "kept": 1}))
    assert story.jobs[0].input["items"] == [ref("inputs.note")]


def test_a_reference_without_a_value_fails_the_run_and_names_it() -> None:
    story = Story(
        run_of(
            {"id": "s1", "type": "table", "args": {"columns": [ref("inputs.messages")]}},
            {
                "id": "s2",
                "type": "triage",
                "map": {"over": ref("s1.rows"), "as": "row"},
                "args": {"text": ref("row.body")},
            },
            inputs={"messages": ["a", {"body": "b"}]},
        )
    )
    story.advance(done(story.jobs[0], {"rows": [{"value": "a"}]}))
    assert story.run.failure is not None
    assert story.run.failure.kind is FailureKind.PLAN
    assert "row.body" in story.run.failure.message


def test_more_jobs_than_the_limit_fail_the_run_before_they_are_released() -> None:
    table = {"id": "s1", "type": "table", "args": {"columns": [ref("inputs.messages")]}}
    fan = {
        "id": "s2",
        "type": "count",
        "map": {"over": ref("s1.rows"), "as": "row"},
        "args": {"items": [ref("row")], "field": "value"},
    }
    story = Story(run_of(table, fan))
    story.advance(done(story.jobs[0], {"rows": [{"value": "a"}] * 50}))
    assert story.jobs == []
    assert story.run.failure is not None
    assert "limits.max_jobs is 50" in story.run.failure.message


def test_a_list_that_grows_from_step_to_step_fails_the_run_before_it_is_released() -> None:
    first = {"id": "s1", "type": "filter", "args": {"items": ref("inputs.messages"), "field": "value", "equals": "b"}}
    more = {"id": "s2", "type": "filter", "args": {"items": [ref("s1.items")] * 60, "field": "value", "equals": "b"}}
    story = Story(run_of(first, more))
    story.advance(done(story.jobs[0], {"items": ["x" * 100] * 1000, "kept": 1000}))
    assert story.jobs == []
    assert story.run.failure is not None
    assert story.run.failure.kind is FailureKind.PLAN
    assert story.run.failure.message.startswith("step 's2': the input of job 0 would have 6")
    assert story.run.failure.message.endswith("bytes, the limit is 4000000")


def test_a_step_whose_job_would_nest_too_deeply_fails_the_run_before_it_is_released() -> None:
    args = {"items": [{"x": {"x": ref("s1.items")}}], "field": "x.x", "equals": "b"}
    second = {"id": "s2", "type": "filter", "args": args}
    first = {"id": "s1", "type": "filter", "args": {"items": ref("inputs.messages"), "field": "value", "equals": "b"}}
    story = Story(run_of(first, second))
    nested: Any = 1
    for _ in range(97):
        nested = [nested]
    story.advance(done(story.jobs[0], {"items": nested, "kept": 1}))
    assert story.jobs == []
    assert story.run.failure is not None
    assert story.run.failure.kind is FailureKind.PLAN
    assert story.run.failure.message == "step 's2': the input of job 0 would nest 101 levels deep, the limit is 100"


def test_a_map_whose_jobs_all_hold_the_list_fails_the_run_before_it_is_released() -> None:
    first = {"id": "s1", "type": "filter", "args": {"items": ref("inputs.messages"), "field": "value", "equals": "b"}}
    fan = {
        "id": "s2",
        "type": "count",
        "map": {"over": ref("inputs.messages"), "as": "item"},
        "args": {"items": ref("s1.items"), "field": ref("item")},
    }
    story = Story(run_of(first, fan, inputs={"messages": ["a"] * 40}))
    story.advance(done(story.jobs[0], {"items": ["x" * 1000] * 2000, "kept": 2000}))
    assert story.jobs == []
    assert story.run.failure is not None
    assert "step 's2': jobs 0 to 31 bring the release to 64" in story.run.failure.message


def test_the_first_outcome_of_a_goal_is_its_plan() -> None:
    story = Story(goal_run())
    assert [(job.id, job.input) for job in story.jobs] == [("r.planner.0", ASKED)]
    story.advance(done(story.jobs[0], planned(SORT, JOIN)))
    assert [job.id for job in story.jobs] == ["r.s1.0", "r.s1.1", "r.s1.2"]
    assert "plan.accepted" in story.events


def test_what_the_planner_is_asked_is_data_and_no_reference() -> None:
    asked = {**ASKED, "inputs": {"note": {"schema": {"type": "object"}, "sample": {"$ref": "inputs.messages"}}}}
    story = Story(goal_run().model_copy(update={"asked": asked}))
    assert story.jobs[0].input == asked


def test_a_planner_without_a_plan_that_can_run_fails_the_run_with_every_fault() -> None:
    story = Story(goal_run())
    story.advance(done(story.jobs[0], planned({**SORT, "type": "sumarize"}, {**JOIN, "args": {}})))
    assert story.run.state is RunState.FAILED
    assert story.run.failure is not None
    assert (story.run.failure.kind, story.run.failure.step) == (FailureKind.PLAN, PLANNING)
    assert len(story.run.failure.faults) == 2


def test_planning_that_fails_fails_the_run() -> None:
    story = Story(goal_run())
    story.advance(failed(story.jobs[0], FailureKind.TOO_LONG))
    assert story.run.failure is not None
    assert (story.run.failure.kind, story.run.failure.step) == (FailureKind.TOO_LONG, PLANNING)


def test_a_cancelled_run_ends_and_says_so() -> None:
    change = cancel(Story(run_of(SORT)).run)
    assert change.run.state is RunState.CANCELLED
    assert [event.name for event in change.events] == ["run.ended"]


def test_a_run_reads_back_as_it_was_written() -> None:
    story = Story(run_of(SORT, JOIN))
    story.advance(done(story.jobs[0], INTENT))
    assert Run.load(story.run.record(3)) == story.run


def test_a_record_of_something_else_is_refused_with_its_id() -> None:
    record = run_of(SORT).record(0).model_copy(update={"body": {"speed": 9}})
    with pytest.raises(ValueError, match="run r: its record does not read"):
        Run.load(record)
