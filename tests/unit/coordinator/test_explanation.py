"""Explanations: what the planner says is missing and near, and how all of it is told."""

from __future__ import annotations

from typing import Any, cast

import pytest

from coordinator.api.answers.views import goal_view, job_type_view
from coordinator.commands.views.explanation import explanation_lines
from coordinator.plans.answer import Confirm
from coordinator.plans.planner_input import planner_input
from coordinator.runs.explanation import explanation
from specialists.planning.offers.request import read_request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.planner import Planner
from specialists.planning.reading.reader import Reader
from tests.support.answers import draft, planned, refused, unsure
from tests.support.story import CATALOG, SORT, Story, done, goal_run, ref, run_of

Json = dict[str, Any]
JOB_TYPES = [job_type_view(each) for each in CATALOG]
LATE = {"id": "s2", "type": "filter", "args": {"items": ref("s1"), "field": "intent", "equals": "card_arrival"}}
GROUNDED = {"step": "s2", "argument": "equals", "value": "card_arrival", "from": "cards that are late"}
CHOICES = unsure(draft(SORT, words="sorts", confidence=0.5), draft(SORT, LATE, confidence=0.4, grounded=[GROUNDED]))


def answered(answer: Json, confirm: Confirm = Confirm.IF_UNSURE) -> Story:
    story = Story(goal_run(confirm))
    story.advance(done(story.jobs[0], answer))
    return story


def told(story: Story) -> list[str]:
    return explanation_lines(goal_view(story.run, ()), JOB_TYPES)


def test_a_refused_run_names_the_nearest_job_types() -> None:
    story = answered(refused("nothing on offer does this; nearest: route, triage", nearest=["route", "triage"]))
    assert explanation(story.run) == {
        "why": "nothing on offer does this; nearest: route, triage",
        "missing": [],
        "nearest": ["route", "triage"],
    }
    first, second, *types = told(story)
    assert (first, second) == ("refused: nothing on offer does this; nearest: route, triage", "nearest job types:")
    assert types[1] == f"  triage takes text: {CATALOG.get('triage').manifest.description}"


def test_a_refused_run_names_what_nothing_in_the_goal_gives() -> None:
    story = answered(
        refused(
            "call needs 'dialogue', 'methods', and nothing in the goal or its inputs gives it",
            missing=["dialogue", "methods"],
            nearest=["call"],
        )
    )
    found = explanation(story.run)
    assert found
    assert (found["missing"], found["nearest"]) == (["dialogue", "methods"], ["call"])
    assert "missing: dialogue, methods" in told(story)


def test_a_reason_in_other_words_is_told_as_it_is() -> None:
    assert explanation(answered(refused("it rains")).run) == {"why": "it rains", "missing": [], "nearest": []}
    assert told(answered(refused("it rains"))) == ["refused: it rains"]


def test_a_job_type_that_is_gone_since_is_named_all_the_same() -> None:
    assert "  gone: is here no more" in told(
        answered(refused("nothing on offer does this; nearest: gone", nearest=["gone"]))
    )


def test_an_unsure_run_tells_its_plans_step_by_step_and_what_values_were_found_from() -> None:
    assert told(answered(CHOICES)) == [
        "unsure: two job types fit",
        "1  sorts (0.50)",
        "    s1 triage for each of inputs.messages: text=item",
        "2  the plan (0.40)",
        "    s1 triage for each of inputs.messages: text=item",
        '    s2 filter: items=s1, field="intent", equals="card_arrival"',
        '    s2 equals = "card_arrival", from "cards that are late"',
    ]


def test_a_run_that_ended_while_it_was_unsure_is_explained_yet() -> None:
    story = answered(CHOICES)
    story.cancel()
    assert told(story)[:2] == ["cancelled: two job types fit", "1  sorts (0.50)"]


def test_a_sure_plan_that_is_to_be_confirmed_says_so() -> None:
    assert told(answered(planned(SORT), Confirm.ALWAYS))[0] == "unsure: this is to be confirmed before it runs"


def test_of_a_run_with_a_plan_it_is_said_whose_that_is() -> None:
    story = answered(CHOICES)
    story.confirm(choice=2)
    assert explanation(story.run) is None
    assert told(story)[0] == "running: the plan is the planner's"
    assert told(story)[-1] == '  s2 equals = "card_arrival", from "cards that are late"'
    sent = run_of(SORT)
    assert told(Story(sent))[0] == "running: the plan is its caller's"
    assert told(Story(sent.model_copy(update={"saved": "late"})))[0] == (
        "running: the plan is its caller's, saved as late"
    )


def test_of_a_run_without_a_plan_it_is_said_why_it_has_none() -> None:
    assert told(Story(goal_run())) == ["running: the goal has no plan"]
    (line,) = told(answered(planned({**SORT, "type": "sumarize"})))
    assert line.startswith("failed: the planner has no plan that can run: step 's1' (sumarize): unknown job type")


@pytest.mark.parametrize(
    ("inputs", "types", "missing", "nearest"),
    [
        ({"text": "x"}, {"triage": 0.1, "route": 0.2}, [], ["route", "triage"]),
        ({}, {"triage": 0.9, "route": 0.2}, ["text"], ["triage", "route"]),
    ],
)
def test_what_the_shipped_planner_says_in_a_refusal_is_read(
    inputs: Json, types: dict[str, float], missing: list[str], nearest: list[str]
) -> None:
    planner, request = Planner(cast("Reader", None)), read_request(planner_input("translate", inputs, CATALOG))
    answer = planner.answer(request, Beliefs(wants={}, types=types, bind={}, literals={}), [])
    found = explanation(answered(answer).run)
    assert found
    assert (found["missing"], found["nearest"]) == (missing, nearest)
