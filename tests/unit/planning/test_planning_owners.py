"""owners: who is asked what words mean, with which words, and what the answers speak for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from coordinator.plans.planner_input import planner_input
from specialists.offers import offer
from specialists.planning.evidence.owners import Ask, asks_of, evidence_of, is_owner, labels_heard, owned
from specialists.planning.offers.offer import read_offer
from specialists.planning.offers.request import Heard, Request
from specialists.planning.planner import Planner
from specialists.planning.reading.reading import Reading
from specialists.schemas import value_faults
from tests.support.mind import (
    ENTITIES,
    INTENT,
    LOOKUP,
    SCORE,
    TEXT,
    TRANSLATE,
    TRIAGE,
    catalog_of,
    job_type,
    record,
    request_of,
)
from tests.support.reader import FakeReader
from tests.support.story import CATALOG

Json = dict[str, Any]
GOAL = "We had a busy morning at the branch. Which of these customers have lost their card, if any?"
PART = "Which of these customers have lost their card"
MOOD = job_type("mood", record(text=TEXT), record(mood={"type": "string", "enum": ["glad", "cross"]}))
PAIR = job_type("pair", record(text=TEXT, title=TEXT), record(intent=INTENT))


def request(goal: str = GOAL, heard: Sequence[Heard] | None = ()) -> Request:
    return replace(request_of((TRIAGE, MOOD, SCORE), goal, mails=["a"]), heard=None if heard is None else tuple(heard))


def near(*parts: str) -> Any:
    """Whatever has one of the parts in it is near to every label."""
    return lambda left, right: [[float(any(part in one for part in parts))] * len(right) for one in left]


def asked(types: Mapping[str, float], selects: float = 0.9, goal: str = GOAL) -> list[Ask]:
    return asks_of(request(goal), types, selects, near("lost"))


def said(intent: str, confidence: float | None = 0.9, type: str = "triage") -> Heard:
    return Heard(type, {"text": "lost"}, {"intent": intent}, confidence)


def test_owners_are_those_that_make_a_label_of_one_text() -> None:
    offers = {each.name: is_owner(read_offer(offer(each))) for each in (TRIAGE, MOOD, SCORE, ENTITIES, LOOKUP, PAIR)}
    assert offers == {"triage": True, "mood": True, "score": False, "entities": False, "lookup": False, "pair": False}
    assert not is_owner(read_offer(offer(TRANSLATE)))


def test_an_owner_is_asked_with_the_goal_and_with_the_part_of_it_nearest_to_a_label() -> None:
    assert asked({"triage": 0.9}) == [Ask("triage", {"text": GOAL}), Ask("triage", {"text": PART})]
    assert [each.words for each in asked({"triage": 0.9})] == [GOAL, PART]


def test_a_goal_of_one_part_is_asked_about_once() -> None:
    assert asked({"triage": 0.9}, goal="lost cards") == [Ask("triage", {"text": "lost cards"})]


def test_nobody_is_asked_for_a_goal_that_selects_nothing_or_whose_job_type_is_not_likely() -> None:
    assert asked({"triage": 0.9}, selects=0.01) == []
    assert asked({"triage": 0.1}) == []
    assert asked({"score": 0.9}) == []


def test_what_an_owner_may_not_be_given_is_cut() -> None:
    short = job_type("short", record(text={"type": "string", "maxLength": 10}), record(intent=INTENT))
    told = asks_of(request_of((short,), GOAL, mails=["a"]), {"short": 1.0}, 1.0, near("lost"))
    assert [len(each.words) for each in told] == [10, 10]


def test_answers_speak_for_their_label_and_against_the_others() -> None:
    (field,) = owned(read_offer(offer(TRIAGE)))
    heard = [said("lost_card", 0.9), said("card_arrival", 0.4), said("lost_card", 0.7)]
    told = evidence_of(heard, "triage", field, "lost_card")
    assert told == {"heard": 1.0, "heard_same": pytest.approx(2 / 3), "heard_sure": 0.9, "heard_other": 0.4}
    told = evidence_of(heard, "triage", field, "exchange_rate")
    assert told == {"heard": 1.0, "heard_same": 0.0, "heard_sure": 0.0, "heard_other": 0.9}


def test_nothing_is_heard_of_what_was_not_answered_or_of_what_is_no_label() -> None:
    (field,) = owned(read_offer(offer(TRIAGE)))
    heard = [Heard("triage", {"text": "x"}, None), said("no such"), said("lost_card", type="mood")]
    assert list(labels_heard(heard, "triage", field)) == []
    assert evidence_of(heard, "triage", field, "lost_card") == dict.fromkeys(
        ("heard", "heard_same", "heard_sure", "heard_other"), 0.0
    )


def test_an_owner_without_a_confidence_is_believed_by_half() -> None:
    (field,) = owned(read_offer(offer(TRIAGE)))
    assert evidence_of([said("lost_card", None)], "triage", field, "lost_card")["heard_sure"] == 0.5


def test_a_label_that_only_its_owner_said_can_be_selected_by_and_says_which_words_it_is_from() -> None:
    labels = [f"label {n}" for n in range(40)]
    many = job_type("many", record(text=TEXT), record(intent={"type": "string", "enum": labels}))
    plain = request_of((many,), GOAL, mails=["a"])
    heard = replace(plain, heard=(Heard("many", {"text": PART}, {"intent": "label 39"}, 0.8),))
    reader = FakeReader({"many:": 4.0}, wants=["filter"])
    before, after = (
        {c.value: c.words for c, _ in Reading(reader).found(each, {}).conditions} for each in (plain, heard)
    )
    assert "label 39" not in before
    assert after["label 39"] == PART


def test_the_planner_asks_first_where_it_can_and_plans_where_it_has_heard() -> None:
    planner = Planner(FakeReader({"triage:": 4.0, "each of mails": 3.0}, wants=["filter"]))
    plain = planner_input(GOAL, {"mails": ["my card is gone"]}, catalog_of(TRIAGE, SCORE))
    first = planner.plan(plain | {"heard": []})
    assert (first["answer"], first["plans"]) == ("ask", [])
    assert {each["type"] for each in first["asks"]} == {"triage"}
    heard = [{**each, "output": {"intent": "lost_card"}, "confidence": 0.9} for each in first["asks"]]
    then = planner.plan(plain | {"heard": heard})
    assert then["answer"] in ("plan", "unsure")
    assert planner.plan(plain)["answer"] in ("plan", "unsure")  # nobody can be asked
    schema = CATALOG.get("planner")
    assert schema.input_faults(plain | {"heard": heard}) == []
    for each in (first, then):
        assert value_faults(each, schema.output_schema, "output") == []
