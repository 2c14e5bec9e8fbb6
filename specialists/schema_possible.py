"""What is possible: a schema without those of its parts that no value keeps. Knows no references."""

from __future__ import annotations

from typing import Any

from specialists.schemas import Json, kinds_of


def possible(schema: Json) -> Any:
    """`schema` without those in it that are false, each of which stands for nothing; False where nothing is left."""
    for without in (_without_members, _without_items, _without_properties):
        found = without(schema)
        if found is False:
            return False
        schema = found
    return schema


def _without_members(schema: Json) -> Any:
    for key in ("anyOf", "oneOf"):
        members = schema.get(key)
        if isinstance(members, list) and False in members:
            if not (kept := [each for each in members if each is not False]):
                return False
            schema = {**schema, key: kept}
    return schema


def _without_items(schema: Json) -> Any:
    first = schema.get("prefixItems", [])
    most = next((n for n, each in enumerate(first) if each is False), len(first))
    if most == len(first) and schema.get("items", True) is not False:
        return schema
    if schema.get("minItems", 0) > most:
        return _of_other_kinds(schema, "array")
    rest = {key: each for key, each in schema.items() if key not in ("prefixItems", "items")}
    held = {"prefixItems": first[:most], "items": False} if most else {"items": {"type": "null"}}
    return {**rest, **held, "maxItems": min(most, schema.get("maxItems", most))}


def _without_properties(schema: Json) -> Any:
    rest = schema.get("additionalProperties", True)
    if not isinstance(rest, bool):
        return schema  # a name that is left out would be one of the others
    for key in ("properties", "patternProperties"):
        named = schema.get(key)
        if isinstance(named, dict) and False in named.values():
            kept = {name: each for name, each in named.items() if each is not False}
            schema = {**schema, key: kept, "additionalProperties": False}
    is_closed = schema.get("additionalProperties") is False and not schema.get("patternProperties")
    if is_closed and not set(schema.get("required", [])) <= set(schema.get("properties", {})):
        return _of_other_kinds(schema, "object")
    return schema


def _of_other_kinds(schema: Json, kind: str) -> Any:
    kinds = [each for each in kinds_of(schema) if each != kind]
    return {**schema, "type": kinds if len(kinds) > 1 else kinds[0]} if kinds else False
