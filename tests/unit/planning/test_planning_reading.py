"""reading: what is asked of a reader, and what names, samples and words say of a part beside its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Evidence, Weights, sigmoid
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Condition, Tally
from specialists.planning.reading.literals import BOUND
from specialists.planning.reading.reading import SHORTLIST, Reading
from specialists.planning.reading.shape import shape_of
from specialists.planning.words import texts
from specialists.specialist import Specialist
from tests.support.mind import NUMBER, SCORE, TEXT, TRIAGE, catalog_of, job_type, listed, record, request_of
from tests.support.reader import FakeReader

Json = dict[str, Any]
GOAL = "answer the mails about my stolen card in informal Dutch"
LANGUAGE = {"type": "string", "maxLength": 40}
REPLY = job_type("reply", record("language", text=TEXT, language=LANGUAGE), record(reply=TEXT))
MOOD = job_type("mood", record(body=TEXT, tone={"type": "string", "enum": ["formal", "in_formal"]}), record(ok=TEXT))
MAIL = {"id": "m1", "body": "my card is lost and I want another one", "summary": "lost card"}


def found(request: Request, reader: FakeReader, models: Mapping[str, Weights] | None = None) -> Found:
    return Reading(reader).found(request, models or {})


def request(*types: Specialist, goal: str = GOAL, **inputs: Any) -> Request:
    return request_of(types, goal, **inputs)


# -- sources of parameters --------------------------------------------------------------------------------------------


def binds(parts: Found, type: str, parameter: str) -> dict[tuple[str, ...], Evidence]:
    return {key: each for (of, name, key), each in parts.binds.items() if (of, name) == (type, parameter)}


def test_a_field_with_the_parameters_name_is_told_apart_and_so_is_the_longest_text() -> None:
    told = binds(found(request(MOOD, mails=[MAIL]), FakeReader()), "mood", "body")
    assert {key[-1]: each["named"] for key, each in told.items()} == {"id": 0.0, "body": 1.0, "summary": 0.0}
    assert {key[-1]: each["longest"] for key, each in told.items()} == {"id": 0.0, "body": 1.0, "summary": 0.0}
    assert told["field", "mails", "body"]["length"] == pytest.approx(math.log1p(9))
    assert told["field", "mails", "id"]["length"] == pytest.approx(math.log1p(1))


def test_names_of_several_words_share_some_of_them() -> None:
    asks = job_type("asks", record(bodyText=TEXT), record(ok=TEXT))
    told = binds(
        found(request(asks, mails=[{"mail": {"body_text": "a", "body": "a"}}]), FakeReader()), "asks", "bodyText"
    )
    assert told["field", "mails", "mail.body_text"]["named"] == 1.0
    assert told["field", "mails", "mail.body"]["named"] == 0.5


def test_where_no_text_is_seen_none_is_the_longest() -> None:
    told = binds(found(request(SCORE, REPLY, mails=[]), FakeReader()), "score", "text")
    assert told.keys() >= {("out", "reply", "reply")}
    assert all(each["longest"] == each["length"] == 0.0 for each in told.values())


def test_what_a_source_is_is_told_of_it() -> None:
    takes = job_type("sums", record("items", items=listed({"type": "string"}), text=TEXT), record(sum=NUMBER))
    parts = found(request(takes, REPLY, mails=["a b", "c"], note="a"), FakeReader({"all mails": 2.0}))
    whole = binds(parts, "sums", "items")["list", "mails"]
    assert (whole["list"], whole["field"], whole["output"], whole["only"]) == (1.0, 0.0, 0.0, 1.0)
    assert (whole["required"], whole["behind"], whole["own"]) == (0.0, 0.0, 2.0)
    texts_of = binds(parts, "sums", "text")
    assert texts_of.keys() == {("item", "mails"), ("item", "note"), ("out", "reply", "reply")}
    assert texts_of["out", "reply", "reply"]["output"] == texts_of["out", "reply", "reply"]["required"] == 1.0
    assert all(each["only"] == 0.0 for each in texts_of.values())


def test_a_source_is_told_how_far_it_is_behind_the_likeliest_for_its_parameter() -> None:
    parts = found(request(REPLY, note="a", mails=["b"]), FakeReader({"note, such": 1.5, "mails": -0.5}))
    told = binds(parts, "reply", "text")
    assert (told["item", "note"]["behind"], told["item", "mails"]["behind"]) == (0.0, -2.0)


def test_what_cannot_be_given_is_no_source() -> None:
    told = binds(found(request(REPLY, orders=[{"no": 3, "text": "a"}]), FakeReader()), "reply", "text")
    assert told.keys() == {("field", "orders", "text")}


def test_a_source_is_read_once_for_all_goals_over_the_same_catalog() -> None:
    reader = FakeReader()
    reading = Reading(reader)
    once = reading.found(request(REPLY, TRIAGE, mails=[MAIL]), {})
    read = list(reader.read_texts["bind"])
    again = reading.found(request(REPLY, TRIAGE, goal="sort them", mails=[MAIL]), {})
    assert reader.read_texts["bind"] == read
    assert again.binds == once.binds
    reading.found(request(REPLY, TRIAGE, notes=["a"]), {})
    assert len(reader.read_texts["bind"]) > len(read)


# -- values of parameters ---------------------------------------------------------------------------------------------


def literals(parts: Found, type: str, parameter: str) -> dict[Any, Evidence]:
    return {value: each for key, value, each in parts.literals if key == (type, parameter)}


def test_a_parameter_that_may_be_left_out_is_offered_words_that_the_goal_says() -> None:
    told = literals(found(request(REPLY, mails=["a"]), FakeReader()), "reply", "language")
    assert {"Dutch", "informal Dutch", "stolen card"} <= told.keys()
    assert told["Dutch"]["span"] == 1.0  # a name
    assert told["informal Dutch"]["span"] == 0.0
    assert told["informal Dutch"]["words"] == pytest.approx(math.log(2))
    assert all(each["required"] == 0.0 and each["is_text"] == 1.0 for each in told.values())


def test_without_a_name_or_a_quotation_in_the_goal_what_may_be_left_out_is_left_out() -> None:
    asked = request(REPLY, goal="answer all the mails about the stolen card", mails=["a"])
    assert literals(found(asked, FakeReader()), "reply", "language") == {}
    assert literals(found(asked, FakeReader()), "reply", "text")


def test_a_value_is_no_longer_than_its_parameter_may_be() -> None:
    goal = f'answer "{"very " * 9}long" in Dutch'
    told = literals(found(request(REPLY, goal=goal, mails=["a"]), FakeReader()), "reply", "language")
    assert told
    assert all(len(value) <= 40 for value in told)


def test_where_a_source_is_as_good_as_certain_the_goal_is_not_looked_at_for_a_value() -> None:
    reader = FakeReader({"each of mails": 8.0})
    parts = found(request(REPLY, mails=["a"]), reader)
    assert literals(parts, "reply", "text") == {}
    assert literals(parts, "reply", "language") == {}  # the mails could be that one too
    likely = found(request(REPLY, mails=["a"]), FakeReader({"each of mails": 2.0}))
    assert sigmoid(2.0) < BOUND < sigmoid(8.0)
    assert {each["bound"] for each in literals(likely, "reply", "text").values()} == {math.log(1 - sigmoid(2.0))}


def test_labels_are_said_where_the_goal_has_their_words() -> None:
    told = literals(found(request(MOOD, goal="an in formal answer", mails=["a"]), FakeReader()), "mood", "tone")
    assert {value: each["said"] for value, each in told.items()} == {"formal": 1.0, "in_formal": 1.0}
    told = literals(found(request(MOOD, goal="a formal answer", mails=["a"]), FakeReader()), "mood", "tone")
    assert {value: each["said"] for value, each in told.items()} == {"formal": 1.0, "in_formal": 0.0}
    assert all(each["labels"] == 1.0 and each["is_text"] == 0.0 for each in told.values())


@pytest.mark.parametrize(
    ("schema", "values"),
    [({"type": "integer"}, [3]), (NUMBER, [3, 2.5]), ({"type": "boolean"}, [True, False])],
    ids=["integer", "number", "boolean"],
)
def test_numbers_and_switches_are_what_the_goal_and_the_schema_say(schema: Json, values: list[Any]) -> None:
    wants = job_type("wants", record(text=TEXT, n=schema), record(ok=TEXT))
    told = literals(found(request(wants, goal="3 of them, 2.5 at most", mails=["a"]), FakeReader()), "wants", "n")
    assert list(told) == values


def test_a_value_is_told_how_near_it_and_the_words_around_it_are_to_what_is_needed() -> None:
    reader = FakeReader({"language is Dutch": 1.0})
    reader.near = {("card in informal Dutch", "language"): 0.7, ("Dutch", "language"): 0.5}
    told = literals(found(request(REPLY, mails=["a"]), reader), "reply", "language")
    assert (told["Dutch"]["kin"], told["Dutch"]["near"]) == (5.0, 7.0)
    assert (told["Dutch"]["behind"], told["stolen"]["behind"]) == (0.0, -4.0)


# -- conditions and tallies -------------------------------------------------------------------------------------------


def condition(parts: Found, value: Any) -> tuple[Condition, Evidence]:
    return next(each for each in parts.conditions if each[0].value == value)


def test_a_label_is_told_by_the_words_of_the_goal_that_are_nearest_to_it() -> None:
    reader = FakeReader({"lost card": 2.0}, wants=["filter"])
    reader.near = {("lost card", "about my stolen card"): 0.8}
    one, told = condition(found(request(TRIAGE, mails=["a"]), reader), "lost_card")
    assert (one.owner, one.field.path, one.operator) == ("triage", "intent", "equals")
    assert "about my stolen card" in one.words
    assert (told["own"], told["behind"], told["near"], told["near_behind"]) == (2.0, 0.0, 8.0, 0.0)
    assert (told["said"], told["labels"], told["input"]) == (0.0, 1.0, 0.0)
    _, other = condition(found(request(TRIAGE, mails=["a"]), reader), "exchange_rate")
    assert [other["behind"], other["near_behind"]] == pytest.approx([-5.0, -7.0])


def test_a_label_that_the_goal_says_and_a_field_that_it_names_are_told() -> None:
    parts = found(request(TRIAGE, goal="the intent lost card", mails=["a"]), FakeReader(wants=["filter"]))
    _, told = condition(parts, "lost_card")
    assert (told["said"], told["named"]) == (1.0, 1.0)
    assert condition(parts, "exchange_rate")[1]["said"] == 0.0


def test_fields_of_inputs_are_selected_by_the_goals_numbers_dates_and_names() -> None:
    orders = [{"city": "Rome", "amount": 3.5, "paid": True}]
    goal = "orders from Rome over 50 since 2026-01-31"
    parts = found(request(TRIAGE, goal=goal, orders=orders), FakeReader(wants=["filter"]))
    of_orders = {(c.field.path, c.operator, c.value) for c, _ in parts.conditions if c.owner == "inputs.orders"}
    assert of_orders >= {
        ("amount", "greater_than", 50),
        ("city", "equals", "Rome"),
        ("city", "after", "2026-01-31"),
        ("paid", "equals", True),
        ("paid", "equals", False),
    }
    told = condition(parts, 50)[1]
    assert (told["input"], told["number"], told["compared"], told["owner"]) == (1.0, 1.0, 1.0, 0.0)


def test_a_field_of_a_job_type_that_is_unlikely_is_told_so() -> None:
    parts = found(request(TRIAGE, SCORE, mails=["a"]), FakeReader({"triage:": 2.0, "score:": 0.0}, wants=["filter"]))
    owners = {one.owner: told["owner"] for one, told in parts.conditions}
    assert owners == {"triage": math.log(sigmoid(2.0)), "score": math.log(0.5)}


def test_where_the_goal_does_not_select_no_value_is_looked_at() -> None:
    assert found(request(TRIAGE, mails=["a"]), FakeReader()).conditions == []
    assert found(request(TRIAGE, mails=["a"]), FakeReader()).tallies == []


def tallies(parts: Found) -> dict[tuple[str, str], tuple[Tally, Evidence]]:
    return {(one.function, one.field.path): (one, told) for one, told in parts.tallies}


def test_only_numbers_are_added_up_and_only_what_has_no_labels_is_ranked() -> None:
    asked = request(TRIAGE, SCORE, goal="the top 3 by score, and their sum", mails=["a"])
    parts = found(asked, FakeReader({"triage:": 1.0, "score:": 1.0}, wants=["sum", "top", "count"]))
    said = tallies(parts)
    assert {path for function, path in said if function == "sum"} == {"score"}
    assert {path for function, path in said if function == "top"} == {"score"}
    assert {path for function, path in said if function == "count"} == {"intent", "score", "is_urgent"}
    assert dict(said["top", "score"][0].options)["n"] == 3
    assert (said["count", "intent"][1]["labels"], said["count", "intent"][1]["counts_free"]) == (1.0, 0.0)
    assert said["count", "score"][1]["counts_free"] == said["count", "score"][1]["number"] == 1.0
    assert said["sum", "score"][1]["counts_free"] == 0.0
    assert (said["sum", "score"][1]["named"], said["count", "intent"][1]["named"]) == (1.0, 0.0)


def test_the_largest_come_first_only_where_the_goal_wants_that() -> None:
    asked = request(SCORE, goal="sort by score", mails=["a"])
    plain = tallies(found(asked, FakeReader(wants=["sort"])))["sort", "score"][0]
    largest = tallies(found(asked, FakeReader(wants=["sort", "descending"])))["sort", "score"][0]
    assert (plain.options, largest.options) == ((), (("descending", True),))


# -- job types --------------------------------------------------------------------------------------------------------


def test_a_job_type_that_is_known_from_training_is_told_what_whole_goals_say_of_it() -> None:
    asked = request(TRIAGE, SCORE, goal="triage them", mails=["a"])
    reader = FakeReader({"triage:": 1.0})
    reader.known = {texts.known(asked.by_name["triage"]): 20.0}
    told = found(asked, reader).types
    assert (told["triage"]["is_known"], told["triage"]["known"], told["triage"]["unknown_own"]) == (1.0, 8.0, 0.0)
    assert (told["score"]["is_known"], told["score"]["unknown_own"]) == (0.0, told["score"]["own"])
    assert (told["triage"]["named"], told["score"]["named"]) == (1.0, 0.0)


def test_a_job_type_of_the_same_name_that_is_described_otherwise_is_not_known() -> None:
    reader = FakeReader()
    reader.known = {"type triage: Another one.": 8.0}
    assert found(request(TRIAGE, mails=["a"]), reader).types["triage"]["is_known"] == 0.0


def test_the_likeliest_job_types_by_what_was_fitted_are_looked_at_closely() -> None:
    asked = request(TRIAGE, SCORE, goal="score them", mails=["a"])
    likely = {"triage:": 3.0, "score:": -30.0}
    assert {of for of, _, _ in found(asked, FakeReader(likely)).binds} == {"triage"}
    by_name = {"type": {"named": 8.0, "": -6.0}}
    assert {of for of, _, _ in found(asked, FakeReader(likely), by_name).binds} == {"score"}


def many(count: int) -> list[Specialist]:
    return [job_type(f"type_{n}", record(text=TEXT), record(answer=TEXT), f"Does {n}.") for n in range(count)]


def test_a_short_list_has_the_nearest_job_types_those_that_are_named_and_all_functions() -> None:
    reader = FakeReader()
    reader.near = {("Does 59.", "do it"): 0.9, ("Does 58.", "do it"): 0.5}
    asked = request(*many(60), job_type("zoom_out", record(text=TEXT), record(answer=TEXT)), goal="do it zoom out")
    kept = Reading(reader).shortlisted(asked)
    names = [offer.name for offer in kept.chosen_from]
    assert len(names) == SHORTLIST + 1
    assert {"type_59", "type_58", "zoom_out"} <= {*names}
    assert names == [offer.name for offer in asked.chosen_from if offer.name in names]
    assert {o.name for o in kept.offers if o.function} == {o.name for o in asked.offers if o.function}
    assert kept.goal == asked.goal


def test_few_job_types_are_all_read() -> None:
    asked = request(*many(SHORTLIST), mails=["a"])
    assert Reading(FakeReader()).shortlisted(asked) is asked


def test_with_no_job_type_on_offer_there_is_nothing_to_read_but_the_goal() -> None:
    reader = FakeReader(wants=["count"])
    parts = found(request(mails=["a"]), reader)
    assert (parts.types, parts.binds, parts.literals, parts.conditions) == ({}, {}, [], [])
    assert reader.read_texts == {"type": [], "part": [], "bind": []}
    assert parts.wants["count"] == 3.0


def test_every_text_of_a_goal_is_read_once() -> None:
    reader = FakeReader({"triage:": 1.0, "score:": 1.0}, wants=["filter", "count", "sum", "sort"])
    found(request(TRIAGE, SCORE, REPLY, mails=[MAIL]), reader)
    for read in reader.read_texts.values():
        assert read
    assert len(set(reader.read_texts["part"])) == len(reader.read_texts["part"])


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        ({}, [1, 0, 0, 0]),
        ({"note": "a"}, [1, 0, 0, 0]),
        ({"mails": ["a"]}, [0, 0, 0, 0]),
        ({"mails": [MAIL], "note": "a"}, [0, 0, 1, 1]),
        ({"mails": ["a"], "orders": [{"no": 1}]}, [0, 1, 1, 1]),
    ],
)
def test_the_shape_of_the_inputs_is_whether_there_are_lists_several_records_and_other_inputs(
    inputs: Json, shape: list[float]
) -> None:
    assert shape_of(request(TRIAGE, **inputs)) == shape


def test_functions_that_the_planner_composes_are_not_read() -> None:
    reader = FakeReader()
    asked = request(TRIAGE, mails=["a"])
    assert len(asked.offers) == len(list(catalog_of(TRIAGE)))
    found(asked, reader)
    assert len(reader.read_texts["type"]) == 1
