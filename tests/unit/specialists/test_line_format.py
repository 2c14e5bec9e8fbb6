"""The line format under any schema that it holds: what is written reads back, and the grammar allows what is read."""

from __future__ import annotations

from typing import Any

import llguidance
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.records import Json
from specialists.copies import copy_faults
from specialists.formats import FormatError, load_format
from specialists.formats.lines import LinesFormat
from specialists.schemas import value_faults

TOKENIZER = llguidance.LLTokenizer("byte")
SOURCE = {"text": "Anna --- Berg\n-\nx: --y"}
WORDS = st.sampled_from(["-", "--", "a", "-a", "a-", "a_b", "x: y", "none"])
TEXTS = st.text(alphabet="-ab: _\u00fc", max_size=6) | st.sampled_from(["", "-", "--", "---", "Berg", "x: y"])
#: Lines as a model might write them; most are none of a given schema.
ANY_TEXT = st.lists(TEXTS | st.sampled_from(["a: b", "-: -", "a b"]), max_size=5).map("\n".join)


@st.composite
def scalars(draw: st.DrawFn) -> Json:
    if draw(st.booleans()):
        return {"enum": draw(st.lists(WORDS, min_size=1, max_size=4, unique=True))}
    least = draw(st.integers(0, 2))
    text = {"type": "string", "minLength": least, "maxLength": draw(st.integers(least, 6))}
    return {**text, **({"x-span-of": "text"} if draw(st.booleans()) else {})}


@st.composite
def lists_of_pairs(draw: st.DrawFn) -> Json:
    value = {"type": "string", "minLength": draw(st.integers(0, 2)), "maxLength": draw(st.integers(2, 6))}
    if draw(st.booleans()):
        value["x-span-of"] = "text"
    keys = draw(st.lists(WORDS.filter(lambda word: ":" not in word), min_size=1, max_size=3, unique=True))
    items = {
        "type": "object", "properties": {"kind": {"enum": keys}, "value": value}, "required": ["kind", "value"],
        "additionalProperties": False,
    }  # fmt: skip
    least = draw(st.integers(0, 1))
    return {"type": "array", "items": items, "minItems": least, "maxItems": draw(st.integers(least, 3))}


@st.composite
def schemas(draw: st.DrawFn) -> Json:
    properties = dict(enumerate(draw(st.lists(scalars(), max_size=3))))
    if not properties or draw(st.booleans()):
        properties[len(properties)] = draw(lists_of_pairs())
    named = {f"f{number}": each for number, each in properties.items()}
    required = draw(st.lists(st.sampled_from(list(named)), unique=True))
    return {"type": "object", "properties": named, "required": required, "additionalProperties": False}


def value_of(draw: st.DrawFn, schema: Json) -> Any:
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if schema["type"] == "array":
        items = schema["items"]["properties"]
        return [
            {name: value_of(draw, each) for name, each in items.items()}
            for _ in range(draw(st.integers(schema["minItems"], schema["maxItems"])))
        ]
    if "x-span-of" not in schema:
        return draw(st.text(alphabet="-ab: ", min_size=schema["minLength"], max_size=schema["maxLength"]))
    line = draw(st.sampled_from(SOURCE["text"].split("\n")))
    start = draw(st.integers(0, len(line)))
    return line[start : start + draw(st.integers(0, schema["maxLength"]))]


@st.composite
def outputs(draw: st.DrawFn) -> tuple[Json, Json]:
    schema = draw(schemas())
    given = {
        name: value_of(draw, each)
        for name, each in schema["properties"].items()
        if name in schema["required"] or draw(st.booleans())
    }
    return schema, given


def faults(output: Json, schema: Json) -> list[str]:
    return value_faults(output, schema, "output") + copy_faults(output, schema, SOURCE, "output")


def allows(format: LinesFormat, text: str) -> bool:
    matcher = llguidance.LLMatcher(TOKENIZER, llguidance.grammar_from("lark", format.grammar(SOURCE)), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    tokens = TOKENIZER.tokenize_str(text)
    allowed: bool = matcher.validate_tokens(tokens) == len(tokens) and matcher.consume_tokens(tokens)
    return allowed and bool(matcher.is_accepting())


def loaded(schema: Json) -> LinesFormat:
    format = load_format("lines", schema)
    assert isinstance(format, LinesFormat)
    return format


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(outputs())
def test_what_is_written_reads_back_and_the_grammar_allows_it(made: tuple[Json, Json]) -> None:
    schema, output = made
    format = loaded(schema)
    pairs = [pair for value in output.values() if isinstance(value, list) for pair in value]
    if not all(pair["value"] for pair in pairs):
        with pytest.raises(FormatError, match="a value that is one line of some characters"):
            format.write(output)
        return
    text = format.write(output)
    assert format.read(text) == output
    assert allows(format, text) == (not faults(output, schema))
    longest = format.longest()
    assert longest is not None
    assert faults(output, schema) or len(text.encode()) <= longest


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(schemas(), ANY_TEXT)
def test_the_grammar_allows_exactly_what_is_read_and_keeps_the_schema(schema: Json, text: str) -> None:
    format = loaded(schema)
    try:
        output = format.read(text)
    except FormatError:
        assert not allows(format, text)
        return
    assert format.write(output) == text, "two texts would stand for one output"
    assert allows(format, text) == (not faults(output, schema))


def schema_of(*required: str, **properties: Json) -> Json:
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False
    }  # fmt: skip


SHORT = {"type": "string", "maxLength": 9}
PAIRS = {
    "type": "array", "maxItems": 3,
    "items": {
        "type": "object", "properties": {"kind": {"enum": ["a_b"]}, "value": SHORT}, "required": ["kind", "value"],
        "additionalProperties": False,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"shop": "Aldi"}, "Aldi\n-\n-\n-"),
        ({"shop": "-", "total": "-"}, "-\n--\n-\n-"),
        ({"shop": "Aldi", "total": ""}, "Aldi\n\n-\n-"),
        ({"shop": "Aldi", "total": "--"}, "Aldi\n---\n-\n-"),
        ({"shop": "Aldi", "total": "-5"}, "Aldi\n-5\n-\n-"),
        ({"shop": "Aldi", "paid": "by_card"}, "Aldi\n-\nby card\n-"),
        ({"shop": "Aldi", "paid": "-"}, "Aldi\n-\n--\n-"),
        ({"shop": "Aldi", "notes": []}, "Aldi\n-\n-"),
        ({"shop": "Aldi", "notes": [{"kind": "a_b", "value": "-"}]}, "Aldi\n-\n-\na b: -"),
    ],
)
def test_a_hyphen_stands_for_an_absent_field_and_for_nothing_else(output: Json, text: str) -> None:
    format = loaded(schema_of("shop", shop=SHORT, total=SHORT, paid={"enum": ["by_card", "-"]}, notes=PAIRS))
    assert format.write(output) == text
    assert format.read(text) == output
    assert allows(format, text)


def test_an_optional_list_alone_is_absent_or_empty() -> None:
    format = loaded(schema_of(notes=PAIRS))
    assert (format.write({}), format.write({"notes": []})) == ("-", "")
    assert (format.read("-"), format.read("")) == ({}, {"notes": []})
    assert allows(format, "-")
    assert allows(format, "")
    assert not allows(format, "-\na b: x")


def test_a_text_alone_may_be_empty() -> None:
    format = loaded(schema_of("note", note=SHORT))
    assert format.read(format.write({"note": ""})) == {"note": ""}
