"""What no grammar holds of a list of distinct elements: an answer that repeats one has it once."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.distinct import distinct, says_distinct
from specialists.schemas import schema_faults

ANY: dict[str, Any] = {"type": "array", "uniqueItems": True, "maxItems": 9}
TEXT = {"type": "string", "maxLength": 9}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (["b", "a", "b", "a"], ["b", "a"]),
        ([1, 1.0, True, "1", None], [1, True, "1", None]),
        ([{"x": 1, "y": [2]}, {"y": [2.0], "x": 1}], [{"x": 1, "y": [2]}]),
        ([[1], [1], []], [[1], []]),
        ([], []),
    ],
)
def test_each_element_is_kept_once_in_its_first_place(value: Any, kept: Any) -> None:
    assert distinct(value, ANY) == kept
    assert distinct(value, {"type": "array"}) == value


def test_it_goes_wherever_a_list_stands() -> None:
    schema = {
        "properties": {"a": ANY, "b": {"type": "array", "items": ANY}},
        "patternProperties": {"^p": ANY},
        "additionalProperties": {"anyOf": [{"type": "string"}, ANY]},
    }
    twice, once = [1, 1], [1]
    assert says_distinct(schema)
    assert distinct({"a": twice, "b": [twice, twice], "p": twice, "z": twice, "y": "yy"}, schema) == {
        "a": once, "b": [once, once], "p": once, "z": once, "y": "yy",
    }  # fmt: skip


@pytest.mark.parametrize("more", [{"minItems": 2}, {"prefixItems": [TEXT, TEXT]}])
def test_a_list_that_could_become_too_short_is_refused_at_load(more: Any) -> None:
    schema = {"type": "object", "properties": {"a": {**ANY, "items": TEXT}}, "additionalProperties": False}
    assert schema_faults(schema, "o") == []
    assert schema_faults({**schema, "properties": {"a": {**ANY, "items": TEXT, **more}}}, "o") == [
        "o.a: 'uniqueItems' is held where 'minItems' is 1 at most and there are no 'prefixItems'"
    ]
    assert schema_faults({**schema, "properties": {"a": {**ANY, "items": TEXT, **more}}}, "o", decoded=False) == []
