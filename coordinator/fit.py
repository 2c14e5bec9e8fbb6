"""Whether values of one JSON Schema fit another, as far as the schemas say. Knows nothing of plans.

A schema without a type says nothing, and fits everywhere: the worker checks the value itself.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from infra.records import Json
from specialists.schemas import type_of


def schema_of(value: Any) -> Json:
    """The narrowest schema of the kind used here that `value` has."""
    if isinstance(value, list):
        return {"type": "array", "items": reduce(_either, map(schema_of, value)) if value else {}}
    if isinstance(value, dict):
        properties = {name: schema_of(child) for name, child in value.items()}
        return {"type": "object", "properties": properties, "required": list(value), "additionalProperties": False}
    return {"type": type_of(value)}


def _either(one: Json, other: Json) -> Json:
    """A schema of values that have one of the two."""
    if one == other:
        return one
    if one.get("type") != other.get("type"):
        return {}
    if one["type"] == "array":
        return {"type": "array", "items": _either(one["items"], other["items"])}
    mine, theirs = one["properties"], other["properties"]
    shared = {name: _either(mine[name], theirs[name]) for name in mine if name in theirs}
    required = [name for name in one["required"] if name in other["required"]]
    unlike = mine.keys() != theirs.keys() or one["additionalProperties"] or other["additionalProperties"]
    return {"type": "object", "properties": shared, "required": required, "additionalProperties": unlike}


def kind_of(schema: Json) -> str | None:
    """The one type that the schema's values have, if it says so."""
    kind = schema.get("type")
    if kind is None and "enum" in schema:
        kinds = {type_of(value) for value in schema["enum"]}
        return kinds.pop() if len(kinds) == 1 else None
    return kind if isinstance(kind, str) else None


def walk(schema: Json, names: list[str], path: str) -> tuple[Json, str | None]:
    """The schema at `names` inside `schema`, and what is wrong with going there. `path` is for the sentence."""
    for name in names:
        kind = kind_of(schema)
        if kind is None:
            return {}, None
        if kind == "array":
            return {}, f"reference {path!r}: {name!r} is asked of a list; map over the list instead"
        if kind != "object":
            return {}, f"reference {path!r}: {name!r} is asked of a {kind}"
        schema, fault = _property(schema, name, path)
        if fault:
            return {}, fault
    return schema, None


def _property(schema: Json, name: str, path: str) -> tuple[Json, str | None]:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    if name in properties:
        return properties[name], None
    if more is False:
        return {}, f"reference {path!r}: no {name!r} there; known: {', '.join(properties) or 'nothing'}"
    return (more if isinstance(more, dict) else {}), None


def misfit(source: Json, target: Json) -> str | None:
    """Why values of `source` cannot be where `target` is asked for; None if they can, or if it cannot be said."""
    given, wanted = kind_of(source), kind_of(target)
    if given is None or wanted is None:
        return None
    if given != wanted and (given, wanted) != ("integer", "number"):
        return f"must be {wanted}, is {given}"
    if wanted == "array":
        inner = misfit(source.get("items", {}), target.get("items", {}))
        return f"its elements: {inner}" if inner else None
    if wanted == "object":
        return _object_misfit(source, target)
    if "enum" in source and "enum" in target and not any(v in target["enum"] for v in source["enum"]):
        return f"must be one of {', '.join(map(str, target['enum'][:12]))}"
    return None


def _object_misfit(source: Json, target: Json) -> str | None:
    properties = source.get("properties", {})
    for name in target.get("required", []):
        if name not in properties and source.get("additionalProperties") is False:
            return f"has no {name!r}"
    for name, schema in target.get("properties", {}).items():
        if name in properties and (inner := misfit(properties[name], schema)):
            return f"its {name!r}: {inner}"
    return None
