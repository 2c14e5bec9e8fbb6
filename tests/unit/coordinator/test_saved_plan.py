"""Saved plans: the inputs that they refer to, their limits, their names, and records that do not read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from coordinator.plans.saved_plan import PlanRequest, SavedPlan, UnreadablePlan, inputs_used, name_fault
from tests.support.story import COUNT, JOIN, SORT, ref, run_of


def test_the_inputs_that_a_plan_refers_to_are_named_in_its_order() -> None:
    top = {"id": "s4", "type": "top", "args": {"items": ref("s3.counts"), "n": ref("inputs.most")}}
    draft = {"steps": [SORT, JOIN, COUNT, top], "result": {"rows": ref("s4.items"), "of": ref("inputs.name.first")}}
    assert inputs_used(draft) == ["messages", "most", "name"]
    assert inputs_used({"steps": []}) == []


def test_a_plan_that_refers_to_all_inputs_at_once_names_none() -> None:
    assert inputs_used({"steps": [SORT], "result": ref("inputs")}) is None


def test_limits_that_a_goal_says_itself_are_its_own() -> None:
    saved = SavedPlan(plan={"steps": [SORT], "limits": {"max_jobs": 5, "deadline_s": 9}}, inputs={})
    assert saved.draft({"deadline_s": 60})["limits"] == {"max_jobs": 5}
    assert saved.draft({})["limits"] == {"max_jobs": 5, "deadline_s": 9}


def test_a_runs_plan_is_a_draft_without_its_limits() -> None:
    draft = run_of(SORT, COUNT | {"args": {"items": ref("s1"), "field": "intent"}}).plan.draft
    assert draft["steps"][0] == SORT
    assert draft.keys() == {"steps", "result"}


@pytest.mark.parametrize("name", ["late", "Late-2.1", "7", "a" * 64])
def test_a_name_is_letters_digits_and_signs(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "a b", "a/b", "größe", "a" * 65, "a\n"])
def test_what_could_not_stand_in_an_address_is_no_name(name: str) -> None:
    fault = name_fault(name)
    assert fault
    assert "is no plan's name" in fault


@pytest.mark.parametrize("body", [{}, {"plan": {}, "run": "r1"}, {"plan": {}, "inputs": {"a": "string"}}])
def test_a_request_brings_one_plan_and_schemas(body: Any) -> None:
    with pytest.raises(ValidationError):
        PlanRequest.model_validate(body)


def test_a_record_of_another_version_is_named_and_not_quoted() -> None:
    with pytest.raises(UnreadablePlan, match=r"plan 'late': its record does not read") as unreadable:
        SavedPlan.load("late", {"plan": {}, "inputs": {}, "secret": "words"})
    assert "words" not in str(unreadable.value)
