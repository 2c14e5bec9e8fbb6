"""Unsure and refused runs: what they hold, and how a confirmed one goes on. Decided without a ledger or a queue."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from coordinator.api.answers.views import goal_view
from coordinator.plans.answer import Confirm
from coordinator.plans.plan import PLANNING, PlanRefused
from coordinator.runs.confirmation import Confirmation, NotUnsure
from coordinator.runs.metrics import CoordinatorMetrics
from coordinator.runs.progress import StepState
from coordinator.runs.run import Run
from infra.metrics import create_registry
from infra.records import RunState
from tests.support.answers import draft, planned, refused, unsure
from tests.support.story import COUNT, INTENT, JOIN, SORT, Story, all_done, done, goal_run, ref, run_of

GROUNDED = {"step": "s1", "argument": "equals", "value": "card_arrival", "from": "cards that are late"}
FIRST = draft(SORT, words="sorts the messages", confidence=0.5, grounded=[GROUNDED])
SECOND = draft(SORT, JOIN, COUNT, words="sorts and counts the messages", confidence=0.4)


def asking(confirm: Confirm = Confirm.IF_UNSURE, answer: Any = None) -> Story:
    """A run after its planner has answered; with two plans, unless something else is said."""
    story = Story(goal_run(confirm))
    story.advance(done(story.jobs[0], answer or unsure(FIRST, SECOND)))
    return story


def test_an_unsure_run_keeps_its_plans_and_does_nothing() -> None:
    story = asking()
    assert (story.run.state, story.jobs) == (RunState.UNSURE, [])
    assert (story.run.state.ended, story.run.planning) == (False, True)
    assert [each.words for each in story.run.candidates] == ["sorts the messages", "sorts and counts the messages"]
    assert story.events[-1] == "run.unsure"
    assert story.run.steps[PLANNING].state is StepState.DONE
    assert story.run.record(1).waits_until_ms == story.run.deadline_ms
    assert Run.load(story.run.record(1)) == story.run


def test_the_event_tells_the_plans_in_words() -> None:
    story = Story(goal_run())
    change = story.advance(done(story.jobs[0], unsure(FIRST, SECOND, reason="two job types fit")))
    assert change.events[-1].data == {
        "reason": "two job types fit",
        "plans": [
            {"choice": 1, "words": "sorts the messages", "confidence": 0.5, "grounded": [GROUNDED]},
            {"choice": 2, "words": "sorts and counts the messages", "confidence": 0.4, "grounded": []},
        ],
    }


def test_the_planners_outcome_that_comes_again_changes_nothing() -> None:
    story = Story(goal_run())
    outcome = done(story.jobs[0], unsure(FIRST, SECOND))
    story.advance(outcome)
    before = story.run
    assert story.advance(outcome).events == []
    assert story.run == before


def test_whoever_always_confirms_is_asked_about_a_sure_plan_too() -> None:
    story = asking(Confirm.ALWAYS, planned(SORT))
    assert (story.run.state, len(story.run.candidates)) == (RunState.UNSURE, 1)


def test_for_one_who_never_confirms_the_first_plan_runs() -> None:
    story = asking(Confirm.NEVER)
    assert (story.run.state, [job.id for job in story.jobs]) == (RunState.RUNNING, ["r.s1.0", "r.s1.1", "r.s1.2"])
    view = goal_view(story.run, ())
    assert (view["words"], view["confidence"], view["grounded"]) == ("sorts the messages", 0.5, [GROUNDED])


def test_a_confirmed_run_goes_on_with_the_plan_that_was_chosen_to_its_end() -> None:
    story = asking()
    story.confirm(choice=2)
    assert story.events[-3:] == ["run.confirmed", "plan.accepted", "step.released"]
    assert story.run.record(2).waits_until_ms is None
    view = goal_view(story.run, ())
    assert (view["state"], view["confidence"], view["plans"], view["reason"]) == ("running", 0.4, [], None)
    story.advance(*all_done(story.jobs))
    story.advance(done(story.jobs[0], {"rows": [INTENT]}))
    story.advance(done(story.jobs[0], {"counts": [], "total": 0}))
    assert story.run.state is RunState.SUCCEEDED


def test_a_plan_of_ones_own_may_be_confirmed_instead() -> None:
    story = asking()
    story.confirm(plan={"steps": [SORT], "result": ref("s1")})
    assert [job.id for job in story.jobs] == ["r.s1.0", "r.s1.1", "r.s1.2"]
    view = goal_view(story.run, ())
    assert (view["words"], view["confidence"], view["grounded"]) == (None, None, [])


def test_a_confirmed_plan_over_nothing_ends_at_once() -> None:
    story = Story(goal_run().model_copy(update={"inputs": {"messages": []}}))
    story.advance(done(story.jobs[0], unsure(FIRST)))
    story.confirm(choice=1)
    assert (story.run.state, story.jobs) == (RunState.SUCCEEDED, [])


@pytest.mark.parametrize(
    ("confirmation", "fault"),
    [
        ({"choice": 3}, "choice: the goal has no plan 3; it has 2"),
        ({"plan": {"steps": [{**SORT, "type": "sumarize"}]}}, "unknown job type"),
        ({"plan": {"steps": [SORT], "limits": {"deadline_s": 9}}}, "the goal has its deadline already"),
        ({"plan": {"steps": [SORT], "limits": {"max_jobs": 900}}}, "is more than this deployment's 50"),
    ],
)
def test_a_plan_that_does_not_compile_is_not_confirmed(confirmation: dict[str, Any], fault: str) -> None:
    story = asking()
    with pytest.raises(PlanRefused, match=fault):
        story.confirm(**confirmation)
    assert story.run.state is RunState.UNSURE


@pytest.mark.parametrize("story", [Story(run_of(SORT)), Story(goal_run()), asking(answer=refused())])
def test_only_an_unsure_run_is_confirmed(story: Story) -> None:
    with pytest.raises(NotUnsure, match="it waits for no confirmation"):
        story.confirm(choice=1)


@pytest.mark.parametrize("body", [{}, {"choice": 1, "plan": {}}, {"choice": 0}, {"choice": 4}, {"choice": True}])
def test_a_confirmation_says_one_thing(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Confirmation.model_validate(body)


def test_an_unsure_run_may_be_cancelled() -> None:
    story = asking()
    story.cancel()
    assert (story.run.state, story.events[-1]) == (RunState.CANCELLED, "run.ended")


def test_a_refused_run_has_ended_with_its_reason_and_no_failure() -> None:
    story = Story(goal_run())
    change = story.advance(done(story.jobs[0], refused("nothing here translates; nearest: triage")))
    assert (story.run.state, story.run.state.ended) == (RunState.REFUSED, True)
    assert change.events[-1].data == {
        "state": "refused",
        "failure": None,
        "reason": "nothing here translates; nearest: triage",
    }
    view = goal_view(story.run, ())
    assert (view["reason"], view["failure"]) == ("nothing here translates; nearest: triage", None)


@pytest.mark.parametrize(("answer", "counted"), [(unsure(FIRST), (1, 0)), (refused(), (0, 1)), (planned(SORT), (0, 0))])
def test_unsure_and_refused_runs_are_counted(answer: dict[str, Any], counted: tuple[int, int]) -> None:
    registry, story = create_registry("coordinator"), Story(goal_run())
    before = story.run
    CoordinatorMetrics(registry).saved(before, story.advance(done(story.jobs[0], answer)))
    ended = registry.get_sample_value("manyhands_run_seconds_count", {"state": "refused"})
    assert (registry.get_sample_value("manyhands_runs_unsure_total"), ended) == counted
