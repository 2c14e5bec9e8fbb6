"""truth: which parts of what was found about a goal its plan has; and the weights that are fitted to that."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.planning.reader import OverlapReader
from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import number
from specialists.planning.evidence.weighing import among
from specialists.planning.normal.normal import normal
from specialists.planning.offers.field import Field
from specialists.planning.parts.beliefs import Condition, Tally
from specialists.planning.reading.reading import Reading
from specialists.planning.words.texts import WANTS
from specialists.training.planning.calibration.evidence import fit_evidence, known
from specialists.training.planning.calibration.truth import part_rows, type_rows
from specialists.training.planning.sets.sets import Asked, load_set
from tests.support.mind import SCORE, TRANSLATE, TRIAGE, request_of

Json = dict[str, Any]
MAILS = [{"subject": "lost", "body": "my card is lost"}]
ORDERS = [{"city": "Rome", "amount": 3}]
REQUEST = request_of([TRIAGE, SCORE, TRANSLATE], mails=MAILS, orders=ORDERS)


def ref(path: str) -> Json:
    return {"$ref": path}


def over(type: str, items: str, args: Json, id: str) -> Json:
    return {"id": id, "type": type, "map": {"over": ref(items), "as": "item"}, "args": args}


TRIAGED = over("triage", "inputs.mails", {"text": ref("item.body")}, "s1")
BESIDE = {"id": "s2", "type": "table", "args": {"columns": [ref("inputs.mails"), ref("s1")]}}


def select(**condition: Any) -> Json:
    return {"id": "s3", "type": "filter", "args": {"items": ref("s2.rows"), "field": "intent", **condition}}


def empty() -> Found:
    return Found(dict.fromkeys(WANTS, 0.0), {})


def field(owner: str, path: str) -> Field:
    """Of a job type or an input."""
    fields = {given.name: given.fields for given in REQUEST.given}
    fields |= {offer.name: offer.fields for offer in REQUEST.chosen_from}
    return next(each for each in fields[owner] if each.path == path)


def right(found: Found, *steps: Json) -> list[tuple[str, bool]]:
    """Of each part that anything is known of: its kind, and whether the plan has it."""
    return [(kind, truth) for kind, (_, truth) in part_rows(REQUEST, normal(list(steps), REQUEST), found)]


def test_the_job_types_of_the_plan_are_right_and_all_others_wrong() -> None:
    types = {name: {"own": float(n)} for n, name in enumerate(["triage", "score", "translate"])}
    plan = normal([TRIAGED], REQUEST)
    assert list(type_rows(plan, types)) == [({"own": 0.0}, True), ({"own": 1.0}, False), ({"own": 2.0}, False)]


def test_a_source_is_right_where_the_plan_takes_it_and_unknown_of_job_types_that_it_lacks() -> None:
    found = empty()
    found.binds = {
        ("triage", "text", ("field", "mails", "body")): {"own": 0.0},
        ("triage", "text", ("field", "mails", "subject")): {"own": 0.0},
        ("triage", "text", ("out", "translate", "translation")): {"own": 0.0},
        ("score", "text", ("field", "mails", "body")): {"own": 0.0},
    }
    assert right(found, TRIAGED) == [("bind", True), ("bind", False), ("bind", False)]


def test_what_another_job_type_gave_is_a_source() -> None:
    found = empty()
    found.binds = {
        ("triage", "text", ("out", "translate", "translation")): {"own": 0.0},
        ("triage", "text", ("field", "mails", "body")): {"own": 0.0},
        ("translate", "text", ("field", "mails", "body")): {"own": 0.0},
    }
    first = over("translate", "inputs.mails", {"text": ref("item.body")}, "s1")
    then = over("triage", "s1", {"text": ref("item.translation")}, "s2")
    assert right(found, first, then) == [("bind", True), ("bind", False), ("bind", True)]


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ({"equals": "lost_card"}, [True, False, False]),
        ({"equals": "Lost card"}, [True, False, False]),
        ({"any_of": ["lost_card", "card_arrival"]}, [True, True, False]),
        ({"equals": "lost_card", "negate": True}, [True, False, False]),
        ({"contains": "lost_card"}, [False, False, False]),
    ],
    ids=["equals", "in other letters", "one of several", "all others", "contains"],
)
def test_a_condition_is_right_where_the_plan_selects_by_its_field_and_value(condition: Json, truth: list[bool]) -> None:
    found = empty()
    found.conditions = [
        (Condition("triage", field("triage", "intent"), "equals", "lost_card", 0.0), {"own": 0.0}),
        (Condition("triage", field("triage", "intent"), "equals", "card_arrival", 0.0), {"own": 0.0}),
        (Condition("inputs.orders", field("orders", "city"), "equals", "lost_card", 0.0), {"own": 0.0}),
    ]
    assert right(found, TRIAGED, BESIDE, select(**condition)) == [("condition", each) for each in truth]


def test_a_condition_of_an_input_is_right_with_the_operator_that_the_plan_has() -> None:
    found = empty()
    found.conditions = [
        (Condition("inputs.orders", field("orders", "amount"), operator, 3, 0.0), {"own": 0.0})
        for operator in ("greater_than", "equals")
    ]
    step = {"id": "s1", "type": "filter", "args": {"items": ref("inputs.orders"), "field": "amount", "greater_than": 3}}
    assert right(found, step) == [("condition", True), ("condition", False)]


def test_a_function_of_a_field_is_right_whatever_its_other_arguments_are() -> None:
    found = empty()
    found.tallies = [
        (Tally("top", "inputs.orders", field("orders", "amount"), 0.0, (("n", 3),)), {"own": 0.0}),
        (Tally("sum", "inputs.orders", field("orders", "amount"), 0.0), {"own": 0.0}),
        (Tally("top", "score", field("score", "score"), 0.0, (("n", 5),)), {"own": 0.0}),
    ]
    step = {"id": "s1", "type": "top", "args": {"items": ref("inputs.orders"), "field": "amount", "n": 5}}
    assert right(found, step) == [("tally", True), ("tally", False), ("tally", False)]


def test_a_value_that_the_plan_says_is_right_and_without_one_all_are_wrong() -> None:
    found = empty()
    found.literals = [(("translate", "language"), each, {"own": 0.0}) for each in ("German", "French")]
    found.literals.append((("score", "text"), "German", {"own": 0.0}))
    said = over("translate", "inputs.mails", {"text": ref("item.body"), "language": "German"}, "s1")
    assert right(found, said) == [("literal", True), ("literal", False)]
    assert right(found, over("translate", "inputs.mails", {"text": ref("item.body")}, "s1")) == [
        ("literal", False), ("literal", False),
    ]  # fmt: skip


# -- weights ----------------------------------------------------------------------------------------------------------


def test_a_goal_that_nothing_on_offer_does_wants_the_impossible_alone() -> None:
    asked = load_set("held-out-shipped", limit=30)
    goals = known(Reading(OverlapReader()), asked)
    assert [goal.plan is None for goal in goals] == [not each.is_possible for each in asked]
    impossible = next(goal for goal in goals if goal.plan is None)
    assert [name for name, wanted in impossible.wants.items() if wanted] == ["impossible"]
    assert all(not goal.wants["impossible"] for goal in goals if goal.plan is not None)


def test_fitted_weights_tell_right_job_types_from_wrong_ones_better_than_the_scorer_alone() -> None:
    reading = Reading(OverlapReader())
    goals = known(reading, load_set("held-out-shipped", limit=40))
    models, _ = fit_evidence(reading, goals)
    assert models.keys() >= {"type", "among", "bind", "wants.filter"}
    assert models.keys() <= {"type", "among", "bind", "condition", "tally", "literal", *(f"wants.{n}" for n in WANTS)}

    def first(weights: dict[str, Any]) -> int:
        """Goals whose likeliest job type is one of its plan's."""
        count = 0
        for goal in goals:
            types = reading.found(goal.request, weights).types
            told = among(types, weights)
            likeliest = max(told, key=lambda name: number(weights, "among", told[name]))
            count += goal.plan is not None and likeliest in goal.plan.types
        return count

    assert first(models) > first({})


def test_kinds_of_parts_that_no_plan_has_keep_their_own_number() -> None:
    step = over("triage", "inputs.mails", {"text": ref("item.body")}, "s1")
    offers = [
        {"name": each.name, "description": "For tests.", "input": each.input_schema, "output": each.output_schema}
        for each in (TRIAGE, SCORE)
    ]
    asked = [Asked(str(n), "map", "triage the mails", {"mails": MAILS}, offers, [[step]]) for n in range(6)]
    reading = Reading(OverlapReader())
    models, _ = fit_evidence(reading, known(reading, asked))
    assert {"type", "among", "bind"} <= models.keys()
    assert not {"tally", "condition"} & models.keys()
    assert not {name for name in models if name.startswith("wants.")}


def test_nothing_is_fitted_to_no_goal() -> None:
    assert fit_evidence(Reading(OverlapReader()), []) == ({}, [])
