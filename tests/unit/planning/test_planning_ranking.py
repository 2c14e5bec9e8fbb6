"""ranking: what a plan leaves out of the goal, how large it is, and the order that fitted weights put plans in."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.parts.candidate import Candidate
from specialists.planning.ranking.ranking import AS_FOUND, Ranked, ranked
from specialists.planning.search.search import search
from tests.support.mind import ENTITIES, TEXT, TRIAGE, Mind, job_type, record, request_of

Json = dict[str, Any]
REPLY = job_type("reply", record("tone", text=TEXT, tone=TEXT), record(reply=TEXT))
MAILS = ["my card is lost", "where is my money"]
ORDERS = [{"no": 1, "city": "Rome", "day": "2026-01-31", "amount": 3.5}]
NOTHING = Beliefs({}, {}, {}, {})


def ref(path: str) -> Json:
    return {"$ref": path}


def asked(goal: str) -> Request:
    return request_of([TRIAGE, ENTITIES, REPLY], goal, mails=MAILS, orders=ORDERS)


def told(goal: str, *steps: Json) -> dict[str, float]:
    """Of a plan with these steps."""
    [found] = ranked(asked(goal), NOTHING, [Candidate(-2.0, list(steps))], AS_FOUND)
    return found.features


def sort(**args: Any) -> Json:
    return {"id": "s1", "type": "sort", "args": {"items": ref("inputs.orders"), "field": "no", **args}}


def select(**args: Any) -> Json:
    return {"id": "s1", "type": "filter", "args": {"items": ref("inputs.orders"), "field": "city", **args}}


EACH_MAIL: Json = {
    "id": "s1",
    "type": "triage",
    "map": {"over": ref("inputs.mails"), "as": "item"},
    "args": {"text": ref("item")},
}


@pytest.mark.parametrize(
    ("steps", "left_out"),
    [
        pytest.param([sort()], 1, id="mails"),
        pytest.param([EACH_MAIL], 1, id="orders"),
        pytest.param([EACH_MAIL, {**sort(), "id": "s2"}], 0, id="none"),
        pytest.param([{"id": "s1", "type": "table", "args": {"columns": [ref("inputs.mails")]}}], 1, id="in a list"),
        pytest.param([{"id": "s1", "type": "note", "args": {}}], 2, id="both"),
    ],
)
def test_inputs_that_a_plan_refers_to_nowhere_are_counted(steps: list[Json], left_out: int) -> None:
    assert told("sort them", *steps)["inputs"] == left_out


@pytest.mark.parametrize(
    ("goal", "value", "left_out"),
    [
        ("orders over 50", {"greater_than": 50}, {"figures": 0, "counted": 0}),
        ("orders over 50", {"equals": "Rome"}, {"figures": 1, "counted": 0}),
        ("orders over 50 and under 70", {"greater_than": 50}, {"figures": 1, "counted": 0}),
        ("orders over 2.5", {"greater_than": 2.5}, {"figures": 0, "counted": 0}),
        ("the 5 first orders over 50", {"greater_than": 50}, {"figures": 1, "counted": 0}),
        ("orders below -4", {"equals": "Rome"}, {"figures": 1, "counted": 0}),
        ("the three first orders", {"equals": "Rome"}, {"figures": 0, "counted": 1}),
        ("orders since 2026-01-31", {"after": "2026-01-31"}, {"dates": 0, "figures": 0}),
        ("orders since 2026-01-31", {"equals": "Rome"}, {"dates": 1, "figures": 0}),
        ('those from "New York" or "Rome"', {"equals": "Rome"}, {"quoted": 1}),
        ('those from "New York" or "Rome"', {"any_of": ["New York", "Rome"]}, {"quoted": 0}),
        ('those from "New York"', {"contains": "New York City"}, {"quoted": 0}),
        ("all of them", {"equals": "Rome"}, {"figures": 0, "counted": 0, "dates": 0, "quoted": 0}),
    ],
)
def test_numbers_dates_and_quotations_that_a_plan_says_nowhere_are_counted(
    goal: str, value: Json, left_out: dict[str, int]
) -> None:
    features = told(goal, select(**value))
    assert {name: features[name] for name in left_out} == left_out


def test_a_number_in_the_name_of_a_field_or_a_step_is_no_use_of_it() -> None:
    step = {"id": "s50", "type": "sort", "args": {"items": ref("s50.rows"), "field": "50"}}
    assert told("orders over 50", step)["figures"] == 1


def test_true_and_false_are_no_number_of_the_goal() -> None:
    assert told("the True 1", sort(descending=True))["figures"] == 1


def searched() -> tuple[Request, Beliefs, list[Candidate]]:
    """Of a mind that replies to each mail in a tone that the goal says, then selects."""
    request = asked('answer the mails as if you were "an old friend of the family"')
    thought = Mind(request).uses("reply", text=("item", "mails")).wants("literal")
    thought.says("reply", "tone", "an old friend of the family").uses("triage", text=("item", "mails"))
    thought.selects("triage", "intent", "equals", "lost_card")
    return request, thought.beliefs, search(request, thought.beliefs)


def with_types(plans: list[Ranked], *names: str) -> Ranked:
    """The likeliest one with just these job types."""
    return next(plan for plan in plans if {step["type"] for step in plan.candidate.steps} - FUNCTIONS == {*names})


def test_a_plan_is_told_of_by_its_job_types_and_the_texts_that_it_takes_from_the_goal() -> None:
    plans = ranked(*searched(), AS_FOUND)
    both = with_types(plans, "reply", "triage").features
    assert both["applications"] == 2
    assert both["left_type"] < 0 < both["least_type"]
    alone = with_types(plans, "triage").features
    assert (alone["applications"], alone["literals"], alone["passages"], alone["quoted"]) == (1, 0, 0, 1)
    assert alone["left_type"] > 0
    said = next(plan.features for plan in plans if plan.features["literals"])
    assert (said["passages"], said["quoted"]) == (1, 0)


def test_as_found_the_order_is_the_searchs_and_its_score_is_beside_the_best() -> None:
    request, beliefs, candidates = searched()
    plans = ranked(request, beliefs, candidates[::-1], AS_FOUND)
    assert [plan.candidate.score for plan in plans] == [each.score for each in candidates]
    assert plans[0].features["search"] == plans[0].score == 0.0
    assert plans[1].score == candidates[1].score - candidates[0].score


def test_what_is_fitted_changes_the_order() -> None:
    request, beliefs, candidates = searched()
    fitted = ranked(request, beliefs, candidates, {"search": 0.1, "quoted": -100.0})
    assert fitted != ranked(request, beliefs, candidates, AS_FOUND)
    assert [plan.features["quoted"] for plan in fitted] == sorted(plan.features["quoted"] for plan in fitted)
    for plan in fitted:
        assert plan.score == pytest.approx(0.1 * plan.features["search"] - 100 * plan.features["quoted"])


def test_equal_plans_stay_as_the_search_has_them_and_none_is_none() -> None:
    request, beliefs, candidates = searched()
    assert [plan.candidate for plan in ranked(request, beliefs, candidates, {"ends": 0.0})] == candidates
    assert ranked(request, beliefs, [], AS_FOUND) == []


def test_a_job_types_parameter_may_be_called_as_a_part_of_a_step() -> None:
    typed = {"id": "s1", "type": "reply", "args": {"text": "hello", "type": "New York", "field": "Rome"}}
    assert told('to "New York" and "Rome"', typed)["quoted"] == 0
