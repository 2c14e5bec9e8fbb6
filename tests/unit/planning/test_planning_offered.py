"""offers: what the planner is told, as records: parameters, fields with their paths, inputs with their parts."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.planning.offers.field import Field, fields_of, kind_of
from specialists.planning.offers.given import read_given
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import read_offer
from specialists.planning.offers.request import read_request
from tests.support.mind import INTENT, INTENTS, NUMBER, TEXT, TRIAGE, listed, record, request_of

Json = dict[str, Any]


def paths(schema: Json) -> dict[str, str]:
    return {field.path: field.kind for field in fields_of(schema)}


def field(schema: Json, path: str) -> Field:
    return next(each for each in fields_of(schema) if each.path == path)


def test_fields_are_paths_from_the_outside_in() -> None:
    schema = record(sender=record(name=TEXT, age={"type": "integer"}), paid={"type": "boolean"})
    assert paths(schema) == {
        "sender": "object",
        "sender.name": "string",
        "sender.age": "integer",
        "paid": "boolean",
    }


def test_a_list_on_the_way_is_named_by_the_fields_behind_it() -> None:
    schema = record(orders=listed(record(lines=listed(record(price=NUMBER)), no=TEXT)))
    assert paths(schema) == {
        "orders": "array",
        "orders.lines": "array",
        "orders.lines.price": "number",
        "orders.no": "string",
    }
    assert field(schema, "orders").lists == ()
    assert field(schema, "orders.no").lists == ("orders",)
    assert field(schema, "orders.lines.price").lists == ("orders", "orders.lines")


def test_a_list_of_plain_values_has_no_fields_of_its_own() -> None:
    assert paths(record(tags=listed(TEXT))) == {"tags": "array"}
    assert paths(listed(TEXT)) == {}


def test_a_list_of_lists_is_told_as_one_list() -> None:
    assert paths(record(pages=listed(listed(TEXT)))) == {"pages": "array"}


def test_labels_bounds_and_descriptions_are_kept() -> None:
    found = field(record(intent={**INTENT, "description": "what it is about", "maxLength": 40}), "intent")
    assert (found.labels, found.about, found.bounded) == (tuple(INTENTS), "what it is about", 40)
    assert found.words == "intent"


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (TEXT, "string"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": ["string", "number"]}, "any"),
        ({"enum": ["a", "b"]}, "string"),
        ({"enum": [1, 2]}, "integer"),
        ({"enum": [1, "a"]}, "any"),
        ({"enum": [True]}, "boolean"),
        ({}, "any"),
        ({"anyOf": [TEXT, NUMBER]}, "any"),
    ],
)
def test_a_kind_is_said_only_where_there_is_one(schema: Json, kind: str) -> None:
    assert kind_of(schema) == kind


def test_an_offer_says_what_it_needs_and_what_it_gives() -> None:
    offer = read_offer(
        {
            "name": "BookTable",
            "description": "Books a table.",
            "input": record("when", city={**TEXT, "description": "where to eat"}, when=TEXT, guests=listed(INTENT)),
            "output": record(status={"enum": ["ok", "full"]}),
        }
    )
    assert [(p.name, p.kind, p.required, p.items) for p in offer.parameters] == [
        ("city", "string", True, None),
        ("when", "string", False, None),
        ("guests", "array", True, "string"),
    ]
    assert [parameter.name for parameter in offer.required] == ["city", "guests"]
    assert offer.parameters[0].words == "city: where to eat"
    assert offer.words == "Book Table: Books a table. From city, when, guests. Gives status (ok, full)."
    assert offer.function is False


def test_leaves_are_single_values() -> None:
    offer = read_offer(
        {
            "name": "x",
            "description": "",
            "input": record(),
            "output": record(tags=listed(TEXT), who=record(name=TEXT), lines=listed(record(no=NUMBER))),
        }
    )
    assert [leaf.path for leaf in offer.leaves] == ["who.name", "lines.no"]


def test_an_offer_that_needs_nothing_and_gives_nothing_is_read() -> None:
    offer = read_offer({"name": "now", "description": "", "input": {"type": "object"}, "output": {"type": "object"}})
    assert (offer.parameters, offer.fields, offer.leaves) == ((), (), [])
    assert offer.words == "now:  From nothing. Gives ."


def test_an_input_that_is_a_list_has_the_fields_of_its_elements() -> None:
    given = read_given("mails", listed(record(title=TEXT, sender=record(name=TEXT))), [{"title": "a"}])
    assert (given.kind, given.items) == ("array", "object")
    assert [each.path for each in given.fields] == ["title", "sender", "sender.name"]
    assert given.words == "mails (title, sender)"


@pytest.mark.parametrize(
    ("value", "kind", "items"),
    [("a text", "string", None), (7, "integer", None), (["a"], "array", "string"), ([], "array", "any")],
)
def test_an_input_without_fields_says_its_kind(value: Any, kind: str, items: str | None) -> None:
    (given,) = request_of((), note=value).given
    assert (given.kind, given.items, given.fields) == (kind, items, ())


def test_a_request_tells_functions_from_what_is_chosen_by_its_meaning() -> None:
    request = request_of([TRIAGE], goal="sort   the\nmails", mails=["my card is lost"])
    assert [offer.name for offer in request.chosen_from] == ["triage"]
    assert {"count", "filter", "table"} <= request.by_name.keys()
    assert request.words == 'sort the mails [given mails such as "my card is lost"]'


def test_a_function_of_somebody_else_is_chosen_by_its_meaning() -> None:
    own = {"name": "count", "description": "Counts sheep.", "input": record(), "output": record(sheep=NUMBER)}
    request = read_request({"goal": "count", "inputs": {}, "job_types": [own]})
    assert [offer.name for offer in request.chosen_from] == ["count"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("lost_or_stolen_card", "lost or stolen card"), ("BookTable", "Book Table"), ("a.b-c/d", "a b c d"), ("_", "_")],
)
def test_names_are_spoken_without_their_signs(name: str, words: str) -> None:
    assert spoken(name) == words


@pytest.mark.parametrize(
    ("schema", "seen", "held"),
    [
        ({"type": "string", "enum": ["-", "lost"]}, ["lost"], True),
        ({"type": "string", "enum": ["-", "lost"]}, ["x" * 160], False),
        ({"type": "string", "enum": ["x" * 300]}, ["x" * 160], True),
        ({"type": "string", "maxLength": 100}, ["x" * 160], False),
        ({"type": "string", "maxLength": 1000}, ["x" * 160], True),
        ({"type": "array", "items": {"type": "integer"}}, [[1, 2]], True),
        ({"type": "array", "items": {"type": "integer"}}, [[1, "two"]], False),
    ],
)
def test_a_parameter_holds_what_is_seen_where_its_schema_lets_it_in(schema: Json, seen: list[Any], held: bool) -> None:
    offer = {
        "name": "x",
        "description": "For tests.",
        "input": record(value=schema),
        "output": record(),
        "function": False,
    }
    [parameter] = read_offer(offer).parameters
    assert parameter.holds(seen) is held
