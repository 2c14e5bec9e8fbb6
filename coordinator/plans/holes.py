"""Holes: the inputs of a saved plan. Knows no plan.

A hole is a JSON Schema; it has a `default` if the input may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic_core import to_json

from infra.records import Json
from specialists import schemas

#: How large one hole may be, as JSON.
SCHEMA_BYTES = 8_000
#: The keywords that job types may use, except `pattern`: each new pattern of a caller would have to be compiled.
KEYWORDS = schemas.KEYWORDS - {"pattern"} - schemas.OWN
DEFAULT = "default"
#: How many faults of one input are shown.
SHOWN = 5
VALUES_SHOWN = 12


def hole_faults(holes: Mapping[str, Any]) -> list[str]:
    """The faults of the schemas themselves, and of defaults that do not fit them."""
    return [fault for name, schema in holes.items() for fault in _hole_faults(schema, f"inputs.{name}")]


def _hole_faults(schema: Any, where: str) -> list[str]:
    if (size := len(to_json(schema))) > SCHEMA_BYTES:
        return [f"{where}: {size} bytes, a JSON Schema may have {SCHEMA_BYTES}"]
    if faults := list(_keyword_faults(schema, where)):
        return faults
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"{where}: is no JSON Schema: {error.message}"]
    if DEFAULT not in schema:
        return []
    if schema[DEFAULT] is None:
        return [f"{where}.{DEFAULT}: is null; leave it out"]
    return schemas.value_faults(schema[DEFAULT], schema, f"{where}.{DEFAULT}")[:SHOWN]


def _keyword_faults(schema: Any, where: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f'{where}: must be a JSON Schema, such as {{"type": "string"}}'
        return
    if unknown := sorted(schema.keys() - KEYWORDS):
        yield f"{where}: keyword {', '.join(map(repr, unknown))} is not supported; known: {', '.join(sorted(KEYWORDS))}"
    for keyword in ("properties", "items", "anyOf", "additionalProperties"):
        for place, child in _children(keyword, schema.get(keyword)):
            yield from _keyword_faults(child, f"{where}.{keyword}{place}")


def _children(keyword: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The schemas in a keyword's value, each with its place in it. Only `additionalProperties` may be a boolean."""
    if isinstance(value, list):
        yield from ((f".{number}", child) for number, child in enumerate(value))
    elif keyword == "properties" and isinstance(value, dict):
        yield from ((f".{name}", child) for name, child in value.items())
    elif value is not None and not (keyword == "additionalProperties" and isinstance(value, bool)):
        yield "", value


def fill_faults(inputs: Json, holes: Mapping[str, Json]) -> list[str]:
    """The reasons why `inputs` do not fill the holes. Each names the input and what it must be, but quotes no value."""
    faults = [
        f"inputs.{name}: is missing; it must be {told(schema)}"
        for name, schema in holes.items()
        if name not in inputs and DEFAULT not in schema
    ]
    if unknown := [name for name in inputs if name not in holes]:
        known = ", ".join(holes) or "nothing"
        faults.append(f"inputs: the saved plan takes no {', '.join(map(repr, unknown))}; known: {known}")
    for name in (name for name in inputs if name in holes):
        found = schemas.value_faults(inputs[name], holes[name], f"inputs.{name}")
        faults += found[:SHOWN] + ([f"inputs.{name}: … and more like these"] if len(found) > SHOWN else [])
    return faults


def with_defaults(inputs: Json, holes: Mapping[str, Json]) -> Json:
    return {name: schema[DEFAULT] for name, schema in holes.items() if DEFAULT in schema} | inputs


def told(schema: Json) -> str:
    """The values that a hole takes, in a few words: `array of string`, `one of high, low`."""
    if "enum" in schema:
        values = schema["enum"]
        return f"one of {', '.join(map(str, values[:VALUES_SHOWN]))}{', …' if len(values) > VALUES_SHOWN else ''}"
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        return " or ".join(kind)
    return f"array of {told(schema['items'])}" if kind == "array" and schema.get("items") else str(kind)


def hole_of(value: Any) -> Json:
    """A hole for values that are built like this one, but need not be equal to it.

    A whole number stands for any number, and null for anything. An object may lack fields or have others.
    """
    return _widened(schemas.schema_of(value))


def _widened(schema: Json) -> Json:
    kind = schemas.kind_of(schema)
    if kind == "array":
        return {"type": "array", "items": _widened(schema["items"])}
    if kind == "object":
        properties = schema.get("properties", {})
        return {"type": "object", "properties": {name: _widened(child) for name, child in properties.items()}}
    return {"type": "number"} if kind == "integer" else {} if kind in (None, "null") else {"type": kind}
