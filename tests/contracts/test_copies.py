"""Strings that are copied out of the input: every format's grammar accepts a copy, and nothing else."""

from __future__ import annotations

from typing import Any

import llguidance
import pytest

from benchmarks.engine.written import HERE as WRITTEN
from specialists.formats import Format, load_format
from specialists.specialist import load_specialist


def accepts(format: Format, input: dict[str, Any], text: str) -> bool:
    tokenizer = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokenizer, llguidance.grammar_from("lark", format.grammar(input)))
    assert not matcher.is_error(), matcher.get_error()
    tokens = tokenizer.tokenize_str(text)
    taken = matcher.validate_tokens(tokens) == len(tokens) and matcher.consume_tokens(tokens)
    return bool(taken and matcher.is_accepting())


def schema_of(**properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def copied(**rest: object) -> dict[str, Any]:
    return {"type": "string", "maxLength": 40, "x-span-of": "text", **rest}


COPIED_FROM = {"text": 'Anna "B"\n\\x \U0001f600 ü\x01\tend'}


@pytest.mark.parametrize("name", ["json", "lines"])
@pytest.mark.parametrize("value", ["Anna", 'Anna "B"', "\\x \U0001f600 ü", "\x01\tend", "", "n"])
def test_a_flat_field_may_be_any_part_of_the_input(name: str, value: str) -> None:
    format = load_format(name, schema_of(who=copied(), where=copied()))
    text = format.write({"who": value, "where": "end"})
    assert accepts(format, COPIED_FROM, text)
    assert format.read(text) == {"who": value, "where": "end"}


@pytest.mark.parametrize("name", ["json", "lines"])
@pytest.mark.parametrize("value", ["Maria", "anna", "Anna B", "x\U0001f600", "endend", "u0001"])
def test_a_flat_field_may_be_nothing_but_a_part_of_the_input(name: str, value: str) -> None:
    format = load_format(name, schema_of(who=copied(), where=copied()))
    assert not accepts(format, COPIED_FROM, format.write({"who": value, "where": "end"}))
    assert not accepts(format, COPIED_FROM, format.write({"who": "end", "where": value}))


def test_a_copy_as_json_may_go_over_line_ends() -> None:
    format = load_format("json", schema_of(who=copied()))
    assert accepts(format, COPIED_FROM, format.write({"who": '"B"\n\\x'}))
    assert not accepts(format, COPIED_FROM, '{"who":"\\u0041nna"}')  # another spelling, which the grammar does not need


@pytest.mark.parametrize("name", ["json", "lines"])
def test_words_go_over_line_ends_with_one_space_for_each_run_of_blanks(name: str) -> None:
    input = {"text": "12 Quay  Road,\n\n10300\tYork \n"}
    words = {"type": "string", "minLength": 1, "maxLength": 40, "x-words-of": "text"}
    format = load_format(name, schema_of(who=words, where=words))

    def allows(value: str) -> bool:
        return accepts(format, input, format.write({"who": value, "where": "York"}))

    assert all(map(allows, ("12 Quay Road, 10300 York", "Road, 10300", "2 Q")))
    assert not any(map(allows, ("12 Quay  Road", "Road,10300", "10300 York ", "York 12")))
    assert accepts(format, input, format.write({"who": "12 Quay Road", "where": "York"}))


@pytest.mark.parametrize("name", ["json", "lines"])
def test_a_copy_keeps_its_bounds(name: str) -> None:
    format = load_format(name, schema_of(who=copied(minLength=2, maxLength=4)))
    held = [accepts(format, COPIED_FROM, format.write({"who": value})) for value in ("A", "An", "Anna", "Anna ")]
    assert held == [False, True, True, False]


@pytest.mark.parametrize("name", ["json", "lines"])
@pytest.mark.parametrize("input", [{"text": ""}, {}, {"text": None}])
def test_of_nothing_nothing_is_copied(name: str, input: dict[str, Any]) -> None:
    format = load_format(name, schema_of(who=copied()))
    assert accepts(format, input, format.write({"who": ""}))
    assert not accepts(format, input, format.write({"who": "a"}))


def test_a_list_of_pairs_is_empty_where_nothing_can_be_copied() -> None:
    entities = load_specialist(WRITTEN / "entities", adapters=False)
    for text in ("", "\n\n"):
        assert accepts(entities.format, {"text": text}, "")
        assert not accepts(entities.format, {"text": text}, "person: a")
        assert not accepts(entities.format, {"text": text}, "person: ")


INNER = {"type": "array", "minItems": 1, "maxItems": 2, "items": schema_of(q=copied(type=["string", "null"]))}
OPTIONAL = {**schema_of(a=copied(), b=copied(), c={"enum": ["x"]}, d=INNER), "required": ["b"]}


@pytest.mark.parametrize(
    ("output", "held"),
    [
        ({"b": "end"}, True),
        ({"a": "Anna", "b": "end", "c": "x", "d": [{"q": None}]}, True),
        ({"b": "end", "d": [{"q": "B"}, {"q": None}]}, True),
        ({"a": "Anna"}, False),
        ({"b": "end", "d": []}, False),
        ({"b": "end", "d": [{"q": "Maria"}]}, False),
        ({"b": "end", "d": [{"q": "B"}] * 3}, False),
        ({"b": "end", "c": "y"}, False),
        ({}, False),
    ],
)
def test_copies_deep_inside_json_are_held(output: dict[str, Any], held: bool) -> None:
    format = load_format("json", OPTIONAL)
    assert accepts(format, COPIED_FROM, format.write(output)) is held


def test_where_no_field_is_required_json_with_copies_may_be_empty() -> None:
    format = load_format("json", {**OPTIONAL, "required": []})
    assert all(accepts(format, COPIED_FROM, format.write(each)) for each in ({}, {"c": "x"}, {"a": "Anna", "c": "x"}))
    assert not accepts(format, COPIED_FROM, '{,"c":"x"}')
