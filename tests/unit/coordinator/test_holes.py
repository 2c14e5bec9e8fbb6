"""The holes of a saved plan: which schemas they may have, what fills them, and what follows from a value."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.plans.holes import SCHEMA_BYTES, fill_faults, hole_faults, hole_of, told, with_defaults

HOLES: dict[str, dict[str, Any]] = {
    "messages": {"type": "array", "items": {"type": "string"}},
    "urgency": {"enum": ["high", "low"], "default": "high"},
    "most": {"type": "integer", "minimum": 1, "default": 5},
}


def test_what_fits_every_hole_has_no_fault() -> None:
    assert hole_faults(HOLES) == []
    assert fill_faults({"messages": ["one"], "urgency": "low"}, HOLES) == []


def test_what_is_left_out_has_its_default() -> None:
    assert with_defaults({"messages": [], "most": 2}, HOLES) == {"messages": [], "urgency": "high", "most": 2}


@pytest.mark.parametrize(
    ("inputs", "faults"),
    [
        ({}, ["inputs.messages: is missing; it must be array of string"]),
        ({"messages": "one"}, ["inputs.messages: must be array, is string"]),
        ({"messages": ["one", 2]}, ["inputs.messages.1: must be string, is integer"]),
        (
            {"messages": [], "urgency": "urgent", "most": 0},
            ["inputs.urgency: must be one of high, low", "inputs.most: breaks minimum 1"],
        ),
        (
            {"messages": [], "mesages": [], "n": 1},
            ["inputs: the saved plan takes no 'mesages', 'n'; known: messages, urgency, most"],
        ),
    ],
)
def test_what_does_not_fit_is_said_by_its_name_all_at_once(inputs: dict[str, Any], faults: list[str]) -> None:
    assert fill_faults(inputs, HOLES) == faults


def test_of_many_faults_of_one_input_a_few_are_said() -> None:
    faults = fill_faults({"messages": [1] * 1000}, HOLES)
    assert len(faults) == 6
    assert faults[-1] == "inputs.messages: … and more like these"


def test_no_fault_quotes_what_was_sent() -> None:
    assert "secret" not in " ".join(fill_faults({"messages": "a secret", "urgency": "secret", "most": "secret"}, HOLES))


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "text"}, "inputs.a: is no JSON Schema: 'text' is not valid"),
        ({"type": "string", "pattern": "(a+)+$"}, "inputs.a: keyword 'pattern' is not supported; known: "),
        ({"$ref": "http://elsewhere/schema"}, "inputs.a: keyword '$ref' is not supported"),
        ({"items": {"items": {"$ref": "#"}}}, "inputs.a.items.items: keyword '$ref' is not supported"),
        ({"anyOf": [{"type": "string"}, {"not": {}}]}, "inputs.a.anyOf.1: keyword 'not' is not supported"),
        ({"properties": {"b": {"oneOf": []}}}, "inputs.a.properties.b: keyword 'oneOf' is not supported"),
        ({"additionalProperties": {"if": {}}}, "inputs.a.additionalProperties: keyword 'if' is not supported"),
        ({"items": True}, "inputs.a.items: must be a JSON Schema"),
        ("string", "inputs.a: must be a JSON Schema"),
        ({"type": "string", "default": 7}, "inputs.a.default: must be string, is integer"),
        ({"default": None}, "inputs.a.default: is null; leave it out"),
        ({"enum": ["x" * SCHEMA_BYTES]}, f"bytes, a JSON Schema may have {SCHEMA_BYTES}"),
    ],
)
def test_a_schema_that_cannot_be_a_hole_is_refused(schema: Any, fault: str) -> None:
    (found,) = hole_faults({"a": schema})
    assert fault in found


@pytest.mark.parametrize(
    ("value", "hole"),
    [
        (["one", "two"], {"type": "array", "items": {"type": "string"}}),
        ([], {"type": "array", "items": {}}),
        (7, {"type": "number"}),
        (True, {"type": "boolean"}),
        ([{"n": 1, "due": None}, {"n": 2}], {"properties": {"n": {"type": "number"}, "due": {}}}),
        ([1, "one"], {"type": "array", "items": {}}),
    ],
)
def test_a_hole_that_follows_from_a_value_takes_its_like(value: Any, hole: dict[str, Any]) -> None:
    found = hole_of(value)
    assert hole_faults({"a": found}) == []
    assert fill_faults({"a": value}, {"a": found}) == []
    assert (found if "type" in hole else found["items"]) == hole | ({} if "type" in hole else {"type": "object"})


def test_later_records_may_have_other_fields_but_not_another_kind() -> None:
    hole = {"orders": hole_of([{"text": "late", "total": 12}])}
    assert fill_faults({"orders": [{"total": 12.5, "note": "new"}, {}]}, hole) == []
    assert fill_faults({"orders": [{"text": 7}]}, hole) == ["inputs.orders.0.text: must be string, is integer"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array", "items": {"type": "object"}}, "array of object"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"enum": list(range(20))}, "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"),
        ({}, "any value"),
    ],
)
def test_what_a_hole_takes_is_said_in_a_few_words(schema: dict[str, Any], words: str) -> None:
    assert told(schema) == words
