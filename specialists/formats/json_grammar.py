"""A grammar of compact JSON whose copied strings are parts of the input. Knows no model.

llguidance compiles a JSON Schema, but no schema can name the input: whatever holds a copied string is written as rules
here, and all else is left to llguidance.
"""

from __future__ import annotations

import json
from typing import Any

from specialists.formats import Json
from specialists.formats.spans import json_span, source
from specialists.schemas import ONLY_CHECKED, SPAN_OF

#: Without this a model may write blanks for ever, which every JSON grammar allows.
_COMPACT = {"whitespace_flexible": False}


def json_grammar(schema: Json, input: Json) -> str:
    """Of the answers that `schema` allows for `input`."""
    rules = _Rules(input)
    start = rules.value(schema)
    return "\n".join([f"start: {start}", *rules.lines])


def copies(schema: Any) -> bool:
    """Whether a string in it is to be copied from the input."""
    if not isinstance(schema, dict):
        return False
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    return SPAN_OF in schema or any(map(copies, inner))


class _Rules:
    def __init__(self, input: Json) -> None:
        self.lines: list[str] = []
        self._input = input
        self._spans: dict[tuple[str, int, int], str] = {}

    def value(self, schema: Json) -> str:
        """An expression for a value of `schema`; rules that it needs are added."""
        if not copies(schema):
            return _plain(schema)
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        written = {"string": self._string, "array": self._array, "object": self._object}
        parts = [written[kind](schema) if kind in written else _plain({**schema, "type": kind}) for kind in kinds]
        return parts[0] if len(parts) == 1 else self._rule(" | ".join(parts))

    def _rule(self, body: str) -> str:
        name = f"rule{len(self.lines)}"
        self.lines.append(f"{name}: {body}")
        return name

    def _string(self, schema: Json) -> str:
        if SPAN_OF not in schema:
            return _plain({**schema, "type": "string"})
        text = source(schema[SPAN_OF], self._input)
        if not text:
            return r'"\"\""'
        key = (schema[SPAN_OF], schema.get("minLength", 0), schema["maxLength"])
        if key not in self._spans:
            self._spans[key] = f"COPIED{len(self._spans)}"
            self.lines += json_span(self._spans[key], text, *key[1:])
        return self._spans[key]

    def _array(self, schema: Json) -> str:
        least, most = schema.get("minItems", 0), schema["maxItems"]
        if most == 0:
            return '"[]"'
        item = self.value(schema.get("items", {}))
        several = f'{item} ("," {item}){{{max(0, least - 1)},{most - 1}}}'
        return self._rule(f'"[" {several} "]"' if least else f'"[" ({several})? "]"')

    def _object(self, schema: Json) -> str:
        """The named properties in their order; others, which an open object may have, are not written."""
        required = schema.get("required", [])
        pairs = [(name in required, f"{_quoted(json.dumps(name, ensure_ascii=False) + ':')} {self.value(each)}")
                 for name, each in schema.get("properties", {}).items()]  # fmt: skip
        # What may follow each pair, once one is written; the last is nothing.
        rests = [""]
        for needed, pair in reversed(pairs):
            more = f'"," {pair}' if needed else f'("," {pair})?'
            rests.append(self._rule(f"{more} {rests[-1]}"))
        rests.reverse()
        firsts = []
        for (needed, pair), rest in zip(pairs, rests[1:], strict=True):
            firsts.append(f"{pair} {rest}")
            if needed:
                return self._rule(f'"{{" ({" | ".join(firsts)}) "}}"')
        return self._rule(f'"{{" ({" | ".join(firsts)})? "}}"')


def _plain(schema: Json) -> str:
    return f"%json {json.dumps({**_held(schema), 'x-guidance': _COMPACT})}"


def _held(schema: Any) -> Any:
    """Without what an answer is checked for only."""
    if not isinstance(schema, dict):
        return schema
    held = {key: value for key, value in schema.items() if key not in ONLY_CHECKED}
    if "properties" in schema:
        held["properties"] = {name: _held(each) for name, each in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            held[key] = _held(schema[key])
    if "anyOf" in schema:
        held["anyOf"] = [_held(each) for each in schema["anyOf"]]
    return held


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
