"""A grammar of compact JSON whose copied strings are parts of the input. Knows no model.

llguidance compiles a JSON Schema, but no schema can name the input, and it counts no properties of which some may be
left out: whatever holds a copied string or such an object is written as rules here, and all else is left to llguidance.
"""

from __future__ import annotations

import json
from typing import Any

from specialists.copies import Copy
from specialists.formats import Json
from specialists.formats.spans import json_span
from specialists.schemas import ONLY_CHECKED, kinds_of

#: Without this a model may write blanks for ever, which every JSON grammar allows.
_COMPACT = {"whitespace_flexible": False}
_FURTHEST = 2**62


def json_grammar(schema: Json, input: Json) -> str:
    """Of the answers that `schema` allows for `input`."""
    rules = _Rules(input)
    start = rules.value(schema)
    return "\n".join([f"start: {start}", *rules.lines])


def _needs_rules(schema: Any) -> bool:
    """Whether a string in it is to be copied from the input, or properties are to be counted."""
    if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
        return False
    if "type" not in schema:
        return any(map(_needs_rules, _members(schema)))
    inner = [*schema.get("properties", {}).values(), schema.get("additionalProperties"), *_members(schema)]
    inner += [*schema.get("prefixItems", []), schema.get("items")]
    return Copy.of(schema) is not None or _is_counted(schema) or any(map(_needs_rules, inner))


def _members(schema: Json) -> list[Json]:
    """Those of `anyOf`, where nothing that stands beside it says more than they do."""
    members: list[Json] = schema.get("anyOf", [])
    said = schema.keys() - {"anyOf", "$schema", "title", "description", "default", "type"}
    is_theirs = "type" not in schema or all(
        isinstance(each, dict) and each.keys() & {"type", "anyOf"} for each in members
    )
    return members if is_theirs and not said else []


def _is_counted(schema: Json) -> bool:
    """Whether llguidance would not count its properties, and the rules here can."""
    named, required = schema.get("properties", {}), schema.get("required", [])
    most, least = schema.get("maxProperties", len(named)), schema.get("minProperties", 0)
    if (
        "object" not in kinds_of(schema)
        or not schema.keys() & {"maxProperties", "minProperties"}
        or not set(named) - set(required)
    ):
        return False
    held = len(named) <= most or (most == 1 and len(required) <= 1)
    return "patternProperties" not in schema and set(required) <= set(named) and held and least <= 1


#: As `json.dumps` writes it, so that no name has two ways of being written.
_NAME = r'/"([^"\\\x00-\x1f]|\\["\\bfnrt]|\\u00[01][0-9a-f]){0,200}"/'


class _Rules:
    def __init__(self, input: Json) -> None:
        self.lines: list[str] = []
        self._input = input
        self._spans: dict[tuple[Copy, int, int], str] = {}

    def value(self, schema: Json) -> str:
        """An expression for a value of `schema`; rules that it needs are added."""
        if not _needs_rules(schema):
            return _plain(schema)
        if _members(schema):
            return self._rule(" | ".join(map(self.value, schema["anyOf"])))
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        written = {"string": self._string, "array": self._array, "object": self._object}
        parts = [written[kind](schema) if kind in written else _plain({**schema, "type": kind}) for kind in kinds]
        return parts[0] if len(parts) == 1 else self._rule(" | ".join(parts))

    def _rule(self, body: str) -> str:
        name = f"rule{len(self.lines)}"
        self.lines.append(f"{name}: {body}")
        return name

    def _string(self, schema: Json) -> str:
        copy = Copy.of(schema)
        if copy is None:
            return _plain({**schema, "type": "string"})
        text = copy.source(self._input)
        if not text:
            return r'"\"\""'
        key = (copy, schema.get("minLength", 0), schema["maxLength"])
        if key not in self._spans:
            self._spans[key] = f"COPIED{len(self._spans)}"
            self.lines += json_span(self._spans[key], text, *key[1:])
        return self._spans[key]

    def _array(self, schema: Json) -> str:
        least, most = schema.get("minItems", 0), schema["maxItems"]
        if most == 0:
            return '"[]"'
        if "prefixItems" in schema:
            return self._tuple(schema, least, most)
        item = self.value(schema.get("items", {}))
        several = f"{item} {_more(item, max(0, least - 1), most - 1)}"
        return self._rule(f'"[" {several} "]"' if least else f'"[" ({several})? "]"')

    def _tuple(self, schema: Json, least: int, most: int) -> str:
        """The first elements by their place, and then others, where they are allowed."""
        first = schema["prefixItems"][:most]
        more = 0 if schema.get("items") is False else most - len(first)
        rest = _more(self.value(schema.get("items", {})), max(0, least - len(first)), more) if more else ""
        for n, each in reversed(list(enumerate(first))):
            element = " ".join(['","'] * bool(n) + [self.value(each), rest])
            rest = self._rule(element if n < least else f"({element})?")
        return self._rule(f'"[" {rest} "]"')

    def _object(self, schema: Json) -> str:
        """The named properties in their order, and then others, where their schema is said and they are counted."""
        required = schema.get("required", [])
        pairs = [(name in required, f"{_quoted(json.dumps(name, ensure_ascii=False) + ':')} {self.value(each)}")
                 for name, each in schema.get("properties", {}).items()]  # fmt: skip
        other, most = self._other(schema)
        if schema.get("maxProperties") == 1 and pairs:
            alone = [pair for needed, pair in pairs if needed]
            either = " | ".join(alone or [*(pair for _, pair in pairs), *([other] if other else [])])
            return self._rule(f'"{{" ({either}){"" if alone or schema.get("minProperties") else "?"} "}}"')
        # What may follow each pair, once one is written; the last is what is not named.
        rests = [_more(other, 0, most)]
        for needed, pair in reversed(pairs):
            more = f'"," {pair}' if needed else f'("," {pair})?'
            rests.append(self._rule(f"{more} {rests[-1]}"))
        rests.reverse()
        firsts = []
        for (needed, pair), rest in zip(pairs, rests[1:], strict=True):
            firsts.append(f"{pair} {rest}")
            if needed:
                return self._rule(f'"{{" ({" | ".join(firsts)}) "}}"')
        if most:
            firsts.append(f"{other} {_more(other, 0, most - 1)}")
        may_be_empty = "" if schema.get("minProperties") and firsts else "?"
        return self._rule(f'"{{" ({" | ".join(firsts)}){may_be_empty} "}}"')

    def _other(self, schema: Json) -> tuple[str, int]:
        """A pair that is not named, and how many of them there may be."""
        named, others = schema.get("properties", {}), schema.get("additionalProperties")
        most = schema.get("maxProperties", len(named))
        most -= 0 if most == 1 else len(named)
        if not isinstance(others, dict) or most <= 0 or "patternProperties" in schema:
            return "", 0
        name = f"NAME{len(self.lines)}"
        taken = "|".join(_literal(json.dumps(each, ensure_ascii=False)) for each in named)
        self.lines.append(f"{name}: {_NAME}" + (f" & ~/({taken})/" if taken else ""))
        return self._rule(f'{name} ":" {self.value(others)}'), most


def _more(each: str, least: int, most: int) -> str:
    """From `least` to `most` of them, each behind a comma."""
    return f'("," {each}){{{least},{most}}}' if most else ""


def _plain(schema: Json) -> str:
    return f"%json {json.dumps({**_held(schema), 'x-guidance': _COMPACT})}"


def _held(schema: Any) -> Any:
    """Without what an answer is checked for only."""
    if not isinstance(schema, dict):
        return schema
    held = {key: _near(key, value) for key, value in schema.items() if key not in ONLY_CHECKED}
    for key in ("properties", "patternProperties"):
        if key in schema:
            held[key] = {name: _held(each) for name, each in schema[key].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            held[key] = _held(schema[key])
    for key in ("anyOf", "prefixItems"):
        if key in schema:
            held[key] = [_held(each) for each in schema[key]]
    return held


def _near(key: str, value: Any) -> Any:
    """A bound of numbers, no further away than llguidance holds."""
    if key in ("minimum", "exclusiveMinimum"):
        return max(value, -_FURTHEST)
    return min(value, _FURTHEST) if key in ("maximum", "exclusiveMaximum") else value


def _literal(text: str) -> str:
    """`text` in a regular expression between slashes."""
    return "".join(each if each.isalnum() else f"\\u{{{ord(each):x}}}" for each in text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
