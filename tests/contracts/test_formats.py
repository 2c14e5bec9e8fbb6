"""Every answer format: what it writes it reads back, and its grammar accepts exactly what it reads."""

import gzip
import json
from pathlib import Path
from typing import Any

import llguidance
import pytest

from benchmarks.engine.written import HERE as WRITTEN
from infra.records import Json
from specialists.catalog import SHIPPED
from specialists.examples import Example, drawn, read_examples
from specialists.formats import Format, FormatError, load_format
from specialists.specialist import load_specialist

PAIRS = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["card_arrival", "reverted_card_payment?"]},
        "slots": {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"name": {"enum": ["city", "party_size"]}, "value": {"type": "string", "maxLength": 20}},
                "required": ["name", "value"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["intent", "slots"],
    "additionalProperties": False,
}
CALL = {"type": "object", "properties": {"name": {}, "arguments": {}}}
TALK = {
    "dialogue": ["U: A bus to Oslo, please."],
    "methods": [
        {
            "name": "Find",
            "parameters": {"kind": {"enum": ["bus", "train"]}, "city": {}, "day": {}},
            "required": ["city"],
        },
        {"name": "Wait", "parameters": {}},
    ],
}
CASES: list[tuple[str, Json, Json, Json]] = [
    ("call", CALL, TALK, {"name": "Find", "arguments": {"city": "Oslo: east", "kind": "bus"}}),
    ("call", CALL, TALK, {"name": "Wait", "arguments": {}}),
    ("json", PAIRS, {}, {"intent": "card_arrival", "slots": [{"name": "city", "value": 'a "b" \\ ü'}]}),
    ("lines", PAIRS, {}, {"intent": "card_arrival", "slots": []}),
    ("lines", PAIRS, {}, {"intent": "reverted_card_payment?", "slots": [{"name": "party_size", "value": "a: b"}] * 2}),
]


def accepts(format: Format, input: Json, text: str) -> bool:
    tokenizer = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokenizer, llguidance.grammar_from("lark", format.grammar(input)))
    assert not matcher.is_error(), matcher.get_error()
    tokens = tokenizer.tokenize_str(text)
    accepted: bool = matcher.validate_tokens(tokens) == len(tokens) and matcher.consume_tokens(tokens)
    return accepted and bool(matcher.is_accepting())


@pytest.mark.parametrize(("name", "schema", "input", "output"), CASES)
def test_what_is_written_reads_back_and_its_grammar_accepts_it(
    name: str, schema: Json, input: Json, output: Json
) -> None:
    format = load_format(name, schema)
    text = format.write(output)
    assert format.read(text) == output
    assert accepts(format, input, text)
    longest = format.longest()
    assert longest is None or len(text.encode()) <= longest


@pytest.mark.parametrize(
    ("name", "schema", "input", "text"),
    [
        ("json", PAIRS, {}, '{"intent":"unheard_of","slots":[]}'),
        ("json", PAIRS, {}, '{"intent": "card_arrival","slots":[]}'),
        ("lines", PAIRS, {}, "card arrival\ncity: x\ncity: y\ncity: z"),
        ("lines", PAIRS, {}, "card arrival\nvillage: x"),
        ("call", CALL, TALK, "Fly\ncity: Oslo"),
        ("call", CALL, TALK, "Find"),
        ("call", CALL, TALK, "Find\ncity: Oslo\nkind: van"),
        ("call", CALL, TALK, "Find\nkind: bus\ncity: Oslo"),
    ],
)
def test_a_grammar_refuses_what_the_schema_or_the_offer_does_not_have(
    name: str, schema: Json, input: Json, text: str
) -> None:
    assert not accepts(load_format(name, schema), input, text)


def method(name: str = "Find", **rest: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"city": {}}, **rest}


@pytest.mark.parametrize(
    ("methods", "fault"),
    [
        ([method(), method("Wait"), method()], "methods: 2 of them are named 'Find'"),
        ([method("Find it")], "methods.0: 'Find it' is no name; a name is letters"),
        ([method("Wait"), method(parameters={"a\nb": {}})], "methods.1: 'a\\nb' is no name"),
        ([method(required=["day"])], "methods.0.required: 'day' is none of its parameters"),
        ([{"name": "Find"}], "methods.0: say either 'parameters' or, as MCP does, 'inputSchema'"),
        ([{"name": "Find", "inputSchema": {"properties": []}}], "methods.0.inputSchema: is no JSON Schema of an obj"),
        (
            [{"name": "Find", "inputSchema": {"properties": {"a": {"enum": 5}}}}],
            "methods.0.inputSchema: is no JSON Sch",
        ),
        ([{"name": "Find", "inputSchema": {"properties": {"a": {"enum": None}}}}], "methods.0.inputSchema: is no JSON"),
        ([method(parameters={"a": {"enum": ["x\ny"]}})], "methods.0: a value on offer has one line"),
    ],
)
def test_methods_that_no_call_could_be_written_of_are_told(methods: Any, fault: str) -> None:
    (found,) = load_format("call", CALL).faults({"dialogue": ["U: Find it."], "methods": methods})
    assert found.startswith(fault)


def test_what_can_be_answered_has_no_faults() -> None:
    for name, schema, input, _ in CASES:
        assert load_format(name, schema).faults(input) == []


def test_a_copied_value_must_stand_in_the_input() -> None:
    entities = load_specialist(WRITTEN / "entities", adapters=False)
    input = {"text": "Anna flew to Oslo."}
    assert accepts(entities.format, input, "person: Anna\nlocation: Oslo")
    assert accepts(entities.format, input, "")
    assert not accepts(entities.format, input, "person: Maria")


def test_a_copied_value_is_a_part_of_one_line_of_the_input() -> None:
    entities = load_specialist(WRITTEN / "entities", adapters=False)
    input = {"text": "Anna Berg\r\nlives in Oslo \U0001f600."}
    assert accepts(entities.format, input, "person: Anna Berg\nlocation: Oslo")
    assert not accepts(entities.format, input, "person: Maria")
    assert not accepts(entities.format, input, "person: Anna Berg\r\nlives")


MODELS = ["triage", "command", "entities", "route", "receipt", "log", "issue", "call"]


@pytest.mark.parametrize("name", MODELS)
def test_the_examples_of_a_shipped_specialist_can_be_written_and_decoded(name: str) -> None:
    specialist = load_specialist(SHIPPED / name, adapters=False)
    examples = read_examples(specialist.folder / "examples.jsonl")
    assert len(examples) >= 2
    for example in examples:
        assert not specialist.input_faults(example.input)
        text = specialist.format.write(example.output)
        assert specialist.parse(text, example.input) == example.output
        assert accepts(specialist.format, example.input, text)


def test_a_format_says_which_schema_it_cannot_hold() -> None:
    with pytest.raises(FormatError, match="'paid' is neither a string nor a list of pairs"):
        load_format("lines", schema_of(paid={"type": "boolean"}))
    with pytest.raises(FormatError, match="unknown answer format 'xml'; known: call, json, lines"):
        load_format("xml", PAIRS)


def test_examples_are_read_plain_and_gzipped(tmp_path: Path) -> None:
    row = json.dumps({"input": {"text": "ü"}, "output": {"intent": "x"}}) + "\n"
    (tmp_path / "a.jsonl").write_text(row)
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(row)
    assert read_examples(tmp_path / "a.jsonl") == read_examples(tmp_path / "b.jsonl.gz")


def test_a_part_of_sorted_examples_is_drawn_from_all_of_them_and_is_the_same_each_time() -> None:
    examples = [Example({"n": n}, {}) for n in range(1000)]
    few = drawn(examples, 20)
    assert few == drawn(examples, 20)
    assert len({each.input["n"] // 250 for each in few}) == 4
    assert drawn(examples, None) == drawn(examples, 1000) == drawn(examples, 2000) == examples


def schema_of(**properties: object) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


@pytest.mark.parametrize(
    ("name", "schema", "output"),
    [
        ("lines", schema_of(intent={"enum": ["no", "yes_and_no"]}), {"intent": "yes_and_no"}),
        ("lines", schema_of(a={"type": "string", "maxLength": 3}), {"a": "\U0001f600" * 3}),
        (
            "lines",
            PAIRS,
            {"intent": "reverted_card_payment?", "slots": [{"name": "party_size", "value": "\U0001f600" * 20}] * 2},
        ),
        ("json", schema_of(a={"type": "string", "maxLength": 3}, b={"type": "boolean"}), {"a": "\x01" * 3, "b": False}),
        ("json", schema_of(a={"type": "array", "items": {"enum": ["x", "yy"]}, "maxItems": 2}), {"a": ["yy", "yy"]}),
    ],
)
def test_no_answer_is_longer_than_its_format_says_and_the_longest_nearly_is(
    name: str, schema: Json, output: Json
) -> None:
    format = load_format(name, schema)
    longest = format.longest()
    assert longest is not None
    assert 0 <= longest - len(format.write(output).encode()) <= 2  # JSON counts a comma behind the last one too


def test_what_the_schema_does_not_bound_has_no_longest_answer() -> None:
    assert load_format("json", schema_of(a={"type": "number"})).longest() is None
    assert (
        load_format("json", schema_of(a={"type": "array", "items": {"type": "string"}, "maxItems": 2})).longest()
        is None
    )


TOOL = {
    "name": "github/issues.search",
    "title": "Search issues",
    "description": "Finds issues.",
    "inputSchema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for."},
            "state": {"type": "string", "enum": ["open", "closed"]},
            "limit": {"type": "integer", "enum": [10, 100]},
        },
        "required": ["query"],
    },
    "annotations": {"readOnlyHint": True},
}


def test_a_tool_as_mcp_lists_it_is_a_method() -> None:
    call = load_specialist(SHIPPED / "call", adapters=False)
    input = {"dialogue": ["User: Which issues are open about the mask?"], "methods": [TOOL]}
    assert call.input_faults(input) == []
    assert call.format.fields(input)["methods"] == (
        "github/issues.search: Finds issues.\n- limit?:  [10|100]\n- query: What to look for.\n- state?:  [open|closed]"
    )
    answer = "github/issues.search\nlimit: 10\nquery: mask\nstate: open"
    assert accepts(call.format, input, answer)
    assert not accepts(call.format, input, "github/issues.search\nlimit: 11\nquery: mask")
    assert call.parse(answer, input) == {
        "name": "github/issues.search", "arguments": {"limit": "10", "query": "mask", "state": "open"}
    }  # fmt: skip


def test_more_methods_than_sixteen_may_be_on_offer() -> None:
    call = load_specialist(SHIPPED / "call", adapters=False)
    many = {"dialogue": ["User: Find it."], "methods": [method(f"Find{number}") for number in range(100)]}
    assert call.input_faults(many) == []
    assert accepts(call.format, many, "Find77\ncity: Oslo")
