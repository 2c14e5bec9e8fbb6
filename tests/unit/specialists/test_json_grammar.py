"""The grammar of JSON answers, where it counts properties, holds elements by their place, or copies."""

from __future__ import annotations

import json
from typing import Any

import llguidance
import pytest

from specialists.formats.json_grammar import json_grammar
from specialists.schemas import value_faults

Json = dict[str, Any]
ONE, TWO = {"enum": [1]}, {"enum": [2]}
COPIED = {"type": "string", "maxLength": 9, "x-span-of": "text"}


def of(properties: Json, others: Any = False, **more: Any) -> Json:
    return {"type": "object", "properties": properties, "additionalProperties": others, **more}


def pair(*first: Json, items: Any = False, most: int = 2, **more: Any) -> Json:
    return {"type": "array", "prefixItems": list(first), "items": items, "maxItems": most, **more}


AB = {"a": ONE, 'é/"': ONE}
FAR = of({"a": pair(ONE, COPIED), "b": of({"c": ONE}, TWO, maxProperties=2)})


@pytest.mark.parametrize(
    ("schema", "allowed", "refused"),
    [
        (of(AB, TWO, maxProperties=4), [{}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2, "c": 2}, {'é/"': 1, "é": 2}],
         [{"a": 2}, {'é/"': 2}, {"b": 1}, {"b": 2, "c": 2, "d": 2}]),
        (of(AB, TWO, maxProperties=3, required=["a"]), [{"a": 1}, {"a": 1, "x": 2}], [{}, {"x": 2}]),
        (of(AB, minProperties=1), [{"a": 1}, {'é/"': 1}, {"a": 1, 'é/"': 1}], [{}, {"b": 1}]),
        (of(AB, {"anyOf": [of({"a": ONE}, minProperties=1), {"type": "null"}]}, maxProperties=3),
         [{"x": None}, {"x": {"a": 1}}], [{"x": {}}]),
        (of(AB, TWO, maxProperties=1, minProperties=1), [{"a": 1}, {'é/"': 1}, {"x": 2}],
         [{}, {"a": 1, "x": 2}, {"x": 1}]),
        (of(AB, maxProperties=1), [{"a": 1}, {'é/"': 1}, {}], [{"x": 2}, {"a": 1, 'é/"': 1}]),
        (of(AB, maxProperties=1, required=["a"]), [{"a": 1}], [{}, {'é/"': 1}]),
        (of({"a": ONE}, TWO, maxProperties=1), [{"a": 1}, {"x": 2}, {}], [{"a": 1, "x": 2}, {"a": 2}]),
        ({"type": "object", "patternProperties": {"^a": ONE}, "additionalProperties": False, "maxProperties": 1},
         [{}, {"ab": 1}], [{"b": 1}, {"a": 1, "ab": 1}]),
        (of({"a": pair(ONE, TWO)}), [{"a": []}, {"a": [1]}, {"a": [1, 2]}], [{"a": [2]}, {"a": [1, 2, 1]}]),
        (of({"a": pair(ONE, TWO, items=ONE, most=4, minItems=1)}), [{"a": [1]}, {"a": [1, 2, 1, 1]}],
         [{"a": []}, {"a": [1, 2, 2]}, {"a": [1, 2, 1, 1, 1]}]),
        (FAR, [{"a": [1, "some"]}, {"a": []}, {"b": {"d": 2}}], [{"a": [1, "other"]}, {"b": {"c": 2}}]),
        (of({"a": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}}), [{"a": 2**62}, {"a": -(2**62)}],
         [{"a": 0.5}]),
        (of({"a": {"type": "number", "minimum": -1.79e308, "maximum": 1.79e308}}), [{"a": 0.5}, {"a": -(10**18)}], []),
        (of({"a": {"type": "array", "items": COPIED, "maxItems": 1}}), [{"a": []}, {"a": ["text"]}],
         [{"a": ["text", "text"]}, {"a": ["none"]}]),
        (of({"a": pair(COPIED, ONE, items=ONE, most=4, minItems=3)}), [{"a": ["text", 1, 1]}, {"a": ["text", 1, 1, 1]}],
         [{"a": ["text", 1]}, {"a": ["text", 1, 1, 1, 1]}, {"a": ["none", 1, 1]}]),
    ],
)  # fmt: skip
def test_a_grammar_allows_what_the_schema_does(schema: Json, allowed: list[Json], refused: list[Json]) -> None:
    for value in allowed:
        assert accepts(schema, value), value
        assert value_faults(value, schema, "x") == []
    for value in refused:
        assert not accepts(schema, value), value


def accepts(schema: Json, value: Json) -> bool:
    tokenizer = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokenizer, json_grammar(schema, {"text": "some text"}))
    assert not matcher.is_error(), matcher.get_error()
    tokens = tokenizer.tokenize_str(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    accepted: bool = matcher.validate_tokens(tokens) == len(tokens) and matcher.consume_tokens(tokens)
    return accepted and bool(matcher.is_accepting())


def test_a_name_cannot_be_written_in_another_way_to_hold_another_value() -> None:
    tokenizer = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokenizer, json_grammar(of({"a": ONE}, TWO, maxProperties=3), {}))
    tokens = tokenizer.tokenize_str('{"\\u0061":2}')
    assert matcher.validate_tokens(tokens) < len(tokens)
