"""Runs whose planner asks owners of labels first: what they release, and what the planner hears. Without a ledger."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.api.answers.views import goal_view
from coordinator.plans.plan import ASKS, MOST_ASKS, PLANNING, PLANNING_AGAIN
from coordinator.runs.explanation import explanation
from coordinator.runs.jobs import ASKED_S
from coordinator.runs.progress import StepState
from coordinator.runs.rerun import RerunRefused, check_missing
from coordinator.runs.run import Run
from infra.records import Job, RunState
from tests.support.answers import ask, draft, planned, refused, unsure
from tests.support.story import ASKED, COUNT, INTENT, JOIN, SORT, Story, all_done, done, failed, goal_run, with_fallback

Json = dict[str, Any]
LOST, LATE = ("triage", {"text": "who lost their card"}), ("triage", {"text": "whose card is late"})


def asking(*asks: tuple[str, Json]) -> Story:
    """A run after its planner has asked."""
    story = Story(goal_run())
    story.advance(done(story.jobs[0], ask(*(asks or (LOST, LATE)))))
    return story


def heard(job: Job) -> list[Json]:
    return list(job.input["heard"])


def test_what_the_planner_asks_becomes_a_job_each_that_nobody_waits_for_long() -> None:
    story = asking()
    assert [(job.id, job.type, job.input) for job in story.jobs] == [
        (f"r.{ASKS[0]}.0", *LOST),
        (f"r.{ASKS[1]}.0", *LATE),
    ]
    assert {(job.attempts, job.claim_within_s, job.timeout_s) for job in story.jobs} == {(1, ASKED_S, ASKED_S)}
    assert (story.run.state, story.run.planning, goal_view(story.run, ())["plan"]) == (RunState.RUNNING, True, None)
    assert Run.load(story.run.record(1)) == story.run


def test_the_planner_is_asked_again_with_what_came_of_it_in_the_order_that_it_asked() -> None:
    story = asking()
    first, second = story.jobs
    assert story.advance(done(second, {"intent": "card_arrival"}, 0.4)).jobs == []
    (again,) = story.advance(done(first, {"intent": "lost_or_stolen_card"}, 0.9)).jobs
    assert (again.id, again.type) == (f"r.{PLANNING_AGAIN}.0", "planner")
    assert again.input == ASKED | {
        "heard": [
            {"type": "triage", "input": LOST[1], "output": {"intent": "lost_or_stolen_card"}, "confidence": 0.9},
            {"type": "triage", "input": LATE[1], "output": {"intent": "card_arrival"}, "confidence": 0.4},
        ]
    }


def test_what_nobody_answers_is_heard_as_nothing_and_fails_no_goal() -> None:
    story = asking()
    first, second = story.jobs
    (again,) = story.advance(failed(first), done(second, INTENT)).jobs
    assert [each["output"] for each in heard(again)] == [None, INTENT]
    story.advance(done(again, planned(SORT)))
    assert [job.id for job in story.jobs] == ["r.s1.0", "r.s1.1", "r.s1.2"]


def test_an_answer_that_comes_again_changes_nothing() -> None:
    story = asking()
    outcome = done(story.jobs[0], INTENT)
    story.advance(outcome)
    before = story.run
    assert story.advance(outcome).events == []
    assert story.run == before


def test_the_plan_runs_to_its_end_and_its_planning_stays_to_be_seen() -> None:
    story = asking(LOST)
    story.advance(done(story.jobs[0], INTENT))
    story.advance(done(story.jobs[0], planned(SORT, JOIN, COUNT)))
    story.advance(*all_done(story.jobs))
    story.advance(done(story.jobs[0], {"rows": [INTENT]}))
    story.advance(done(story.jobs[0], {"counts": [], "total": 0}))
    assert story.run.state is RunState.SUCCEEDED
    assert {name: each.state for name, each in story.run.steps.items() if name.startswith(PLANNING)} == {
        PLANNING: StepState.DONE,
        ASKS[0]: StepState.DONE,
        PLANNING_AGAIN: StepState.DONE,
    }


@pytest.mark.parametrize("answer", [planned(SORT), unsure(draft(SORT))], ids=["sure", "confirmed"])
def test_jobs_of_planning_take_none_from_the_plan(answer: Json) -> None:
    """A plan of as many jobs as the limit allows beside the planner's first; once more when it is taken up again."""
    story = Story(goal_run().model_copy(update={"inputs": {"messages": ["a"] * 49}}))
    story.advance(done(story.jobs[0], ask(LOST, LATE)))
    story.advance(*all_done(story.jobs))
    story.advance(done(story.jobs[0], answer))
    if story.run.state is RunState.UNSURE:
        story.confirm(choice=1)
    assert (story.run.state, len(story.jobs), story.run.jobs) == (RunState.RUNNING, 49, 50)
    story.advance(*all_done(story.jobs))
    assert story.run.state is RunState.SUCCEEDED
    story.reopen("s1")
    assert (story.run.state, len(story.jobs), story.run.jobs) == (RunState.RUNNING, 49, 50)


def test_a_goal_of_few_jobs_may_ask_all_the_same() -> None:
    run = goal_run()
    plan = run.plan.model_copy(update={"limits": run.plan.limits.model_copy(update={"max_jobs": 4})})
    story = Story(run.model_copy(update={"plan": plan}))
    story.advance(done(story.jobs[0], ask(*[LOST] * 4)))
    story.advance(*all_done(story.jobs))
    story.advance(done(story.jobs[0], planned(SORT)))
    assert (story.run.state, len(story.jobs)) == (RunState.RUNNING, 3)


def test_of_an_ask_no_fallback_is_asked() -> None:
    story = Story(goal_run(), with_fallback(below=0.7))
    story.advance(done(story.jobs[0], ask(LOST)))
    (again,) = story.advance(done(story.jobs[0], INTENT, 0.1)).jobs
    assert (again.step_id, heard(again)[0]["confidence"]) == (PLANNING_AGAIN, 0.1)


def test_a_dead_letter_of_an_ask_is_no_reason_to_take_up_a_goal_that_has_ended() -> None:
    story = asking(LOST)
    story.advance(failed(story.jobs[0]))
    story.advance(done(story.jobs[0], planned(SORT)))
    story.advance(*all_done(story.jobs))
    assert story.run.state is RunState.SUCCEEDED
    with pytest.raises(RerunRefused, match="was part of the planning, which is over"):
        check_missing(story.run, ASKS[0])


def test_unsure_and_refused_are_said_after_asking_too() -> None:
    for answer, state in ((unsure(draft(SORT)), RunState.UNSURE), (refused(), RunState.REFUSED)):
        story = asking(LOST)
        story.advance(done(story.jobs[0], INTENT))
        story.advance(done(story.jobs[0], answer))
        assert story.run.state is state


def test_a_planner_that_asks_again_and_again_fails_its_goal() -> None:
    story = asking(LOST)
    story.advance(done(story.jobs[0], INTENT))
    story.advance(done(story.jobs[0], ask(LATE)))
    assert story.run.failure
    assert (story.run.state, story.run.failure.step) == (RunState.FAILED, PLANNING_AGAIN)
    assert "asks once more" in story.run.failure.message


@pytest.mark.parametrize(
    ("asks", "fault"), [([], "asks nothing"), ([LOST] * (MOST_ASKS + 1), "asks: Tuple should have at most")]
)
def test_no_asks_and_too_many_fail_the_goal_and_say_why(asks: list[tuple[str, Json]], fault: str) -> None:
    story = Story(goal_run())
    story.advance(done(story.jobs[0], ask(*asks)))
    assert story.run.failure
    assert story.run.state is RunState.FAILED
    assert fault in story.run.failure.message


def test_what_cannot_be_asked_is_heard_as_nothing() -> None:
    """A job type may go after the planner was told of it."""
    story = asking(("sumarize", {"text": "x"}), LOST, ("triage", {"words": "x"}))
    assert [job.input for job in story.jobs] == [LOST[1]]
    (again,) = story.advance(done(story.jobs[0], INTENT)).jobs
    assert [each["output"] for each in heard(again)] == [None, INTENT, None]
    (alone,) = asking(("sumarize", {"text": "x"})).jobs
    assert (alone.step_id, [each["output"] for each in heard(alone)]) == (PLANNING_AGAIN, [None])


def test_a_reference_in_what_is_asked_is_the_data_that_it_is() -> None:
    story = asking(("triage", {"text": '{"$ref": "inputs.messages"}'}))
    assert story.jobs[0].input == {"text": '{"$ref": "inputs.messages"}'}


def test_a_goal_that_failed_while_it_asked_is_planned_anew() -> None:
    story = asking(LOST)
    story.advance(done(story.jobs[0], INTENT))
    story.advance(failed(story.jobs[0]))
    assert story.run.state is RunState.FAILED
    story.reopen()
    assert [job.type for job in story.jobs] == ["planner"]
    story.advance(done(story.jobs[0], planned(SORT)))
    assert [job.type for job in story.jobs] == ["triage"] * 3
    assert set(story.run.steps) == {PLANNING, "s1"}


def test_what_a_refusal_said_is_not_said_of_the_run_that_goes_on() -> None:
    story = asking(LOST)
    story.advance(done(story.jobs[0], INTENT))
    story.advance(done(story.jobs[0], refused(missing=["amount"], nearest=["triage"])))
    story.reopen()
    story.advance(done(story.jobs[0], unsure(draft(SORT))))
    assert explanation(story.run) == {"why": "two job types fit", "missing": [], "nearest": []}
