"""Bounds: those that a JSON Schema lacks, so that each value has an end. Knows no references and no folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from specialists.schemas import Json, kinds_of

_WHOLE = 2**53 - 1  #: beyond it, not every reader of JSON keeps a whole number
_NUMBER = 10**15


@dataclass(frozen=True)
class Bounds:
    characters: int
    items: int
    names: int
    levels: int  #: how often what a reference names may stand within itself


OF_ANSWERS = Bounds(characters=200, items=16, names=16, levels=2)
OF_INPUTS = Bounds(characters=100_000, items=10_000, names=10_000, levels=4)


def missing(schema: Json, bounds: Bounds, decoded: bool) -> Iterator[tuple[str, Any]]:
    """The bounds that a schema lacks, and its type where it says one without naming it."""
    if "enum" in schema or "const" in schema:
        return
    if ("anyOf" in schema or "oneOf" in schema) and (decoded or "type" not in schema):
        return  # each of its members has its own
    kinds = kinds_of(schema)
    if not kinds and (kind := _implied(schema)):
        kinds = [kind]
        yield "type", kind
    if not kinds and decoded:
        text = {"type": "string", "maxLength": bounds.characters}
        number = {"type": "number", "minimum": -_NUMBER, "maximum": _NUMBER}
        yield "anyOf", [text, number, {"type": "boolean"}, {"type": "null"}]
    if "string" in kinds and "maxLength" not in schema:
        yield "maxLength", max(bounds.characters, int(schema.get("minLength", 0)))
    if "array" in kinds:
        yield from _missing_items(schema, bounds, decoded)
    if "object" in kinds:
        yield from _missing_names(schema, bounds, decoded)
    if decoded:
        yield from _missing_numbers(schema, kinds)


def _missing_items(schema: Json, bounds: Bounds, decoded: bool) -> Iterator[tuple[str, Any]]:
    first = schema.get("prefixItems", [])
    if first and schema.get("items", True) is True:
        yield "items", False
        if "maxItems" not in schema:
            yield "maxItems", len(first)
        return
    if "maxItems" not in schema:
        yield "maxItems", max(len(first) + bounds.items, int(schema.get("minItems", 0)))
    if decoded and schema.get("items", True) is True:
        yield "items", dict(missing({}, bounds, decoded))


def _missing_names(schema: Json, bounds: Bounds, decoded: bool) -> Iterator[tuple[str, Any]]:
    others, patterns = schema.get("additionalProperties", True), schema.get("patternProperties")
    if decoded and patterns and set(schema.get("properties", {})) - set(schema.get("required", [])):
        # No grammar counts names by pattern beside named ones that may be absent.
        yield "patternProperties", {}
        yield "additionalProperties", False
        return
    named = schema.get("properties") or patterns
    if others is True and named:
        yield "additionalProperties", False
    elif others is True:
        yield "additionalProperties", dict(missing({}, bounds, decoded))
    if "maxProperties" not in schema and (patterns or (others is not False and not (others is True and named))):
        most = bounds.names + len(schema.get("properties", {}))
        yield "maxProperties", max(most, int(schema.get("minProperties", 0)))


def _missing_numbers(schema: Json, kinds: list[str]) -> Iterator[tuple[str, Any]]:
    if "integer" not in kinds and "number" not in kinds:
        return
    most = _NUMBER if "number" in kinds else _WHOLE
    if "minimum" not in schema and "exclusiveMinimum" not in schema:
        yield "minimum", min(-most, schema.get("maximum", 0), schema.get("exclusiveMaximum", 0) - 1)
    if "maximum" not in schema and "exclusiveMaximum" not in schema:
        yield "maximum", max(most, schema.get("minimum", 0), schema.get("exclusiveMinimum", 0) + 1)


def _implied(schema: Json) -> str | None:
    names = ("properties", "required", "additionalProperties", "patternProperties", "maxProperties", "minProperties")
    for kind, keys in (
        ("object", names),
        ("array", ("items", "prefixItems", "maxItems", "minItems", "uniqueItems")),
        ("string", ("pattern", "maxLength", "minLength", "format")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(key in schema for key in keys):
            return kind
    return None
