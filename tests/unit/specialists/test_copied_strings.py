"""Copies: what may be copied out of an input, and what is said of a string that is no copy."""

from __future__ import annotations

import pytest

from specialists.copies import Copy, copy_faults, spaced

INPUT = {"text": "12 Quay  Road,\nYork", "count": 3}


@pytest.mark.parametrize(
    ("schema", "source"),
    [
        ({"x-span-of": "text"}, "12 Quay  Road,\nYork"),
        ({"x-words-of": "text"}, "12 Quay Road, York"),
        ({"x-words-of": "count"}, ""),
        ({"x-span-of": "other"}, ""),
    ],
)
def test_a_copy_is_a_part_of_its_field_as_it_stands_or_word_by_word(schema: dict[str, str], source: str) -> None:
    copy = Copy.of(schema)

    assert copy
    assert copy.source(INPUT) == source


def test_a_plain_string_is_no_copy() -> None:
    assert Copy.of({"type": "string", "maxLength": 9}) is None


def test_a_string_that_is_no_copy_is_told_by_its_place_and_never_quoted() -> None:
    item = {"type": "object", "properties": {"a": {"x-span-of": "text"}, "b": {"x-words-of": "text"}}}
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    output = {"items": [{"a": "Road,\nYork", "b": "Road, York"}, {"a": "Road, York", "b": "Road,\nYork"}]}

    assert copy_faults(output, schema, INPUT, "it") == [
        "it.items.1.a: not a part of the input's 'text'",
        "it.items.1.b: not words of the input's 'text'",
    ]


def test_words_have_one_space_between_them() -> None:
    assert spaced("  a\u00a0\t b\r\nc ") == "a b c"
