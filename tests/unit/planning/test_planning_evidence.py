"""evidence: from numbers that speak for or against a part to one probability, by itself and among the others."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import AS_IT_IS, Evidence, behind_best, logit, number, sigmoid
from specialists.planning.evidence.weighing import CONDITIONS, among, believed, types_of, want_evidence
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Condition, Tally, owner_of
from specialists.planning.words.texts import WANTS
from tests.support.mind import SCORE, TRIAGE, Mind, request_of

ORDERS = [{"city": "Rome", "amount": 3, "paid": True}]


def request(**inputs: Any) -> Request:
    return request_of([TRIAGE, SCORE], **inputs)


def found(asked: Request, types: dict[str, float] | None = None) -> Found:
    """What a scorer without an opinion found."""
    own = dict.fromkeys((offer.name for offer in asked.chosen_from), -2.0) | (types or {})
    return Found(dict.fromkeys(WANTS, -3.0), {name: {"own": x} for name, x in own.items()})


def condition(asked: Request, path: str, value: object) -> Condition:
    [orders] = asked.given
    field = next(each for each in orders.fields if each.path == path)
    return Condition(owner_of(orders), field, "equals", value, 0.0)


# -- one number -------------------------------------------------------------------------------------------------------


def test_without_a_model_a_parts_own_number_is_what_it_comes_to() -> None:
    told = {"own": 1.5, "behind": -4.0}
    assert AS_IT_IS == {"own": 1.0}
    assert number({}, "bind", told) == 1.5
    assert number({"type": {"own": 9.0}}, "bind", told) == 1.5
    assert number({}, "bind", told, p=True) == sigmoid(1.5)


def test_a_models_weights_and_its_constant_are_added_up() -> None:
    models = {"bind": {"own": 0.5, "behind": 0.25, "": -1.0}}
    assert number(models, "bind", {"own": 2.0, "behind": -4.0, "only": 7.0}) == pytest.approx(-1.0)


def test_a_model_that_weighs_what_is_not_told_is_an_error() -> None:
    with pytest.raises(KeyError, match="near"):
        number({"bind": {"near": 1.0}}, "bind", {"own": 2.0})


@pytest.mark.parametrize("x", [-1000.0, -3.0, 0.0, 3.0, 1000.0])
def test_probabilities_are_never_out_of_bounds(x: float) -> None:
    assert 0 < sigmoid(x) < 1
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1.0)


@pytest.mark.parametrize("p", [0.0, 0.002, 0.3, 0.998, 1.0])
def test_a_logit_is_what_a_sigmoid_undoes_and_finite_for_what_is_certain(p: float) -> None:
    assert sigmoid(logit(p)) == pytest.approx(p, abs=2e-3)


def test_how_far_each_number_is_behind_the_largest() -> None:
    assert behind_best([1.0, 3.0, -2.0]) == [-2.0, 0.0, -5.0]
    assert behind_best([]) == []


# -- job types among the others ---------------------------------------------------------------------------------------


def test_the_first_job_type_is_told_how_far_ahead_it_is_and_others_how_far_behind() -> None:
    types: dict[str, Evidence] = {"triage": {"own": 2.0}, "score": {"own": -1.0}, "route": {"own": 0.5}}
    assert among(types, {}) == {
        "triage": {"own": 2.0, "behind": 0.0, "ahead": 1.5, "first": 1.0},
        "score": {"own": -1.0, "behind": -3.0, "ahead": 0.0, "first": 0.0},
        "route": {"own": 0.5, "behind": -1.5, "ahead": 0.0, "first": 0.0},
    }


def test_a_job_type_that_is_alone_is_ahead_of_an_unlikely_one_and_two_equals_are_both_first() -> None:
    assert among({"triage": {"own": 1.0}}, {})["triage"]["ahead"] == 7.0
    assert among({}, {}) == {}
    equals = among({"a": {"own": 1.0}, "b": {"own": 1.0}}, {})
    assert [(each["first"], each["ahead"]) for each in equals.values()] == [(1.0, 0.0), (1.0, 0.0)]


def test_a_job_type_is_weighed_by_itself_then_among_the_others() -> None:
    types: dict[str, Evidence] = {"triage": {"own": 0.0, "named": 1.0}, "score": {"own": 1.0, "named": 0.0}}
    assert types_of(types, {}) == {"triage": sigmoid(0.0), "score": sigmoid(1.0)}
    named = {"type": {"own": 1.0, "named": 3.0}}
    assert types_of(types, named) == {"triage": sigmoid(3.0), "score": sigmoid(1.0)}
    first_alone = {**named, "among": {"first": 4.0, "": -2.0}}
    assert types_of(types, first_alone) == {"triage": sigmoid(2.0), "score": sigmoid(-2.0)}


# -- what the search builds on ----------------------------------------------------------------------------------------


def test_every_part_becomes_a_probability_by_the_model_of_its_kind() -> None:
    asked = request(orders=ORDERS)
    parts = found(asked, {"triage": 2.0})
    parts.binds["triage", "text", ("field", "orders", "city")] = {"own": 1.0, "only": 1.0}
    parts.conditions.append((condition(asked, "city", "Rome"), {"own": 0.5, "said": 1.0}))
    parts.tallies.append((Tally("sum", "inputs.orders", asked.given[0].fields[1], 0.0), {"own": -1.0, "named": 1.0}))
    parts.literals += [(("triage", "text"), "Rome", {"own": 0.0}), (("triage", "text"), "Bonn", {"own": 1.0})]
    models = {"bind": {"own": 1.0, "only": 2.0}, "condition": {"said": 1.0}, "tally": {"named": -1.0, "": 0.5}}

    beliefs = believed(asked, parts, models)
    assert beliefs.types == {"triage": sigmoid(2.0), "score": sigmoid(-2.0)}
    assert beliefs.bind == {("triage", "text", ("field", "orders", "city")): sigmoid(3.0)}
    assert [(each.value, each.probability) for each in beliefs.conditions] == [("Rome", sigmoid(1.0))]
    assert [(each.function, each.probability) for each in beliefs.tallies] == [("sum", sigmoid(-0.5))]
    assert beliefs.literals == {("triage", "text"): [("Rome", sigmoid(0.0)), ("Bonn", sigmoid(1.0))]}
    assert beliefs.wants == pytest.approx(dict.fromkeys(WANTS, sigmoid(-3.0)))


def test_the_likeliest_conditions_are_handed_on_and_come_first() -> None:
    asked = request(orders=ORDERS)
    parts = found(asked)
    parts.conditions = [(condition(asked, "amount", n), {"own": float(n)}) for n in range(-20, 20)]
    values = [each.value for each in believed(asked, parts, {}).conditions]
    assert values == [*range(19, 19 - CONDITIONS, -1)]


def test_what_a_goal_wants_is_weighed_with_its_likeliest_part_and_what_the_inputs_are() -> None:
    asked = request(orders=ORDERS, mails=["a"])
    thought = Mind(asked).uses("triage", text=("item", "mails")).wants("filter")
    thought.tallies("sum", "orders", "amount").selects("triage", "intent", "equals", "lost_card")
    told = want_evidence(asked, thought.beliefs, {})
    assert told.keys() == set(WANTS)
    likely, unlikely = logit(0.97), logit(0.02)
    assert (told["sum"]["own"], told["sum"]["part"]) == (unlikely, likely)
    assert (told["filter"]["own"], told["filter"]["part"]) == (likely, likely)
    assert told["literal"]["part"] == logit(0.0)
    assert (told["count"]["best"], told["count"]["second"]) == (likely, unlikely)
    assert (told["count"]["no_list"], told["count"]["lists"]) == (0.0, 1.0)
    assert want_evidence(request(note="a"), Mind(request(note="a")).beliefs, {})["single"]["no_list"] == 1.0


def test_a_model_of_a_want_is_named_after_it() -> None:
    asked = request(mails=["a"])
    beliefs = believed(asked, found(asked), {"wants.single": {"no_list": -2.0, "": 1.0}, "wants.chain": {"best": 1.0}})
    assert beliefs.wants["single"] == sigmoid(1.0)
    assert beliefs.wants["chain"] == pytest.approx(sigmoid(-2.0))
    assert beliefs.wants["count"] == pytest.approx(sigmoid(-3.0))
