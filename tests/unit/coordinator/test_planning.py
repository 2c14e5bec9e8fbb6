"""Planning: what the planner's answer comes to, for each wish of the caller to confirm it."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.plans.answer import Confirm, Kind
from coordinator.plans.plan import PlanRefused
from coordinator.plans.planning import Accepted, Asking, Refused, Unsure, decide
from tests.support.answers import answered, draft, planned, refused, unsure
from tests.support.story import CATALOG, LIMITS, SORT, ref

Json = dict[str, Any]
INPUTS = {"messages": ["a", "b"], "note": "a text"}
ONE = {"id": "s1", "type": "triage", "args": {"text": ref("inputs.note")}}
BAD = {"id": "s1", "type": "sumarize", "args": {}}


def decided(
    output: Json, confirm: Confirm = Confirm.IF_UNSURE, max_replans: int = 2
) -> Accepted | Unsure | Refused | Asking:
    return decide(output, confirm, CATALOG, INPUTS, LIMITS.model_copy(update={"max_replans": max_replans}))


@pytest.mark.parametrize(
    ("said", "confirm", "comes_to"),
    [
        (Kind.PLAN, Confirm.IF_UNSURE, Accepted),
        (Kind.PLAN, Confirm.NEVER, Accepted),
        (Kind.PLAN, Confirm.ALWAYS, Unsure),
        (Kind.UNSURE, Confirm.IF_UNSURE, Unsure),
        (Kind.UNSURE, Confirm.NEVER, Accepted),
        (Kind.UNSURE, Confirm.ALWAYS, Unsure),
        (Kind.REFUSED, Confirm.IF_UNSURE, Refused),
        (Kind.REFUSED, Confirm.NEVER, Refused),
        (Kind.REFUSED, Confirm.ALWAYS, Refused),
    ],
)
def test_what_an_answer_comes_to_depends_on_what_the_caller_confirms(
    said: Kind, confirm: Confirm, comes_to: type
) -> None:
    assert isinstance(decided(answered(draft(SORT), draft(ONE), answer=said), confirm), comes_to)


def test_a_refusal_needs_no_plan_and_says_why() -> None:
    assert decided(refused("nothing here translates")) == Refused("nothing here translates")


def test_the_next_plan_is_tried_where_the_first_does_not_compile() -> None:
    accepted = decided(answered(draft(BAD), draft(ONE, words="sort it", confidence=0.4)))
    assert isinstance(accepted, Accepted)
    assert accepted.plan.steps[0].type == "triage"
    assert (accepted.draft.words, accepted.draft.confidence) == ("sort it", 0.4)


def test_no_more_plans_are_tried_than_the_limits_allow() -> None:
    with pytest.raises(PlanRefused, match="unknown job type"):
        decided(answered(draft(BAD), draft(ONE)), max_replans=0)


def test_only_plans_that_compile_are_to_be_chosen_from() -> None:
    asks = decided(unsure(draft(BAD), draft(SORT), draft(ONE), reason="two job types fit"))
    assert isinstance(asks, Unsure)
    assert ([each.steps for each in asks.drafts], asks.reason) == ([[SORT], [ONE]], "two job types fit")


@pytest.mark.parametrize("answer", ["plan", "unsure"])
def test_where_no_plan_compiles_all_faults_of_all_plans_are_told(answer: str) -> None:
    other = {"id": "s1", "type": "triage", "args": {}}
    with pytest.raises(PlanRefused) as refused_:
        decided(answered(draft(BAD), draft(BAD), draft(other), answer=answer))
    assert len(refused_.value.faults) == 2  # one fault that two plans have is told once


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        pytest.param({"steps": [ONE]}, "answer: Field required", id="a plan alone"),
        pytest.param(answered(answer="plan"), "holds no plan", id="no plan"),
        pytest.param(answered(answer="unsure"), "holds no plan", id="nothing to choose from"),
        pytest.param(answered(*[draft(ONE)] * 4), "plans: Tuple should have at most 3", id="four plans"),
        pytest.param({**planned(ONE), "answer": "maybe"}, "answer: Input should be 'plan'", id="another answer"),
        pytest.param({**planned(ONE), "confidence": 1.2}, "confidence: Input should be less", id="too sure"),
        pytest.param(answered(draft(ONE, mood="x")), "plans.0.mood: Extra inputs", id="an unknown field"),
    ],
)
def test_an_output_that_is_no_answer_is_refused_with_what_is_wrong(output: Json, fault: str) -> None:
    with pytest.raises(PlanRefused) as refused_:
        decided(output)
    assert f"the planner's answer: {fault}" in str(refused_.value)


def test_a_plan_of_an_answer_may_say_its_result() -> None:
    accepted = decided(answered(draft(ONE, result=ref("s1.intent"))))
    assert isinstance(accepted, Accepted)
    assert accepted.plan.result == ref("s1.intent")
