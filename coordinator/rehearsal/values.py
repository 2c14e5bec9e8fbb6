"""Draws values of a JSON Schema. The same draw gives the same value. Knows no specialist."""

from __future__ import annotations

import copy
import math
from typing import Any

from coordinator.rehearsal.draw import Draw, NoStandIn
from coordinator.rehearsal.texts import WORDS, drawn_text
from infra.records import Json
from specialists.schemas import schema_at, value_faults

LONG_LIST = 3  #: the most items of a list, unless its schema wants more
WIDE = 100  #: the range of a number whose schema has one bound or none


def drawn_value(schema: Json, draw: Draw, input: Json, where: str) -> Any:
    """A value of `schema`. Texts that must be copied are words of `input`. Raises NoStandIn, which names `where`."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _member(schema, draw, where)
    if "anyOf" in schema:
        return _either(schema, draw, input, where)
    kind = schema.get("type") or _kind_by_keywords(schema)
    kind = draw.at("type").one_of(kind) if isinstance(kind, list) else kind
    match kind:
        case "object":
            return _object(schema, draw, input, where)
        case "array":
            return _array(schema, draw, input, where)
        case "integer":
            return _integer(schema, draw, where)
        case "number":
            return _number(schema, draw, where)
        case "boolean":
            return draw.below(2) == 1
        case "null":
            return None
    return drawn_text(schema, draw, input, where)


def _kind_by_keywords(schema: Json) -> str:
    """The type that the keywords of a schema without a type imply; string if there are no such keywords."""
    kinds = {"properties": "object", "items": "array", "minimum": "number", "maximum": "number"}
    return next((kind for keyword, kind in kinds.items() if keyword in schema), "string")


def _member(schema: Json, draw: Draw, where: str) -> Any:
    others = schema.keys() - {"enum", "type", "title", "description", "default"}
    members = [each for each in schema["enum"] if not others or not value_faults(each, schema, where)]
    if not members:
        raise NoStandIn(f"{where}: no member of its enum keeps the rest of its schema")
    return copy.deepcopy(draw.one_of(members))


def _either(schema: Json, draw: Draw, input: Json, where: str) -> Any:
    """A value of one of the schemas in `anyOf`, together with the keywords around them."""
    around = {keyword: value for keyword, value in schema.items() if keyword != "anyOf"}
    first = draw.at("anyOf").below(len(schema["anyOf"]))
    for branch in [*schema["anyOf"][first:], *schema["anyOf"][:first]]:
        both = {**around, **branch}
        both["properties"] = {**around.get("properties", {}), **branch.get("properties", {})}
        both["required"] = [*around.get("required", []), *branch.get("required", [])]
        if not both["properties"]:
            del both["properties"], both["required"]
        try:
            value = drawn_value(both, draw, input, where)
        except NoStandIn:
            continue
        if not value_faults(value, schema, where):
            return value
    raise NoStandIn(f"{where}: nothing was found that one of its anyOf takes")


def _object(schema: Json, draw: Draw, input: Json, where: str) -> Json:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    more = schema.get("additionalProperties")
    inner = dict(properties)
    inner |= {name: more if isinstance(more, dict) else {} for name in required if name not in properties}
    if isinstance(more, dict) and not inner:  # the object is a map from any names to values
        inner = {draw.at(f"name {n}").one_of(WORDS): more for n in range(2)}
    value = {}
    for name, child in inner.items():
        try:
            value[name] = drawn_value(child, draw.at(name), input, f"{where}.{name}")
        except NoStandIn:
            if name in required:
                raise
    return value


def _array(schema: Json, draw: Draw, input: Json, where: str) -> list[Any]:
    """A list of one to three items, if the schema allows that."""
    fewest = schema.get("minItems", 0)
    most = min(schema.get("maxItems", LONG_LIST), max(fewest, LONG_LIST))
    if most < fewest:
        raise NoStandIn(f"{where}: minItems is more than maxItems")
    count = draw.at("items").between(max(fewest, min(1, most)), most)
    try:
        return [drawn_value(schema_at(schema, n), draw.at(n), input, f"{where}.{n}") for n in range(count)]
    except NoStandIn:
        if fewest:
            raise
        return []


def _integer(schema: Json, draw: Draw, where: str) -> int:
    least, most = _bounds(schema)
    least, most = math.ceil(least), math.floor(most)
    if least > most:
        raise NoStandIn(f"{where}: no whole number is between its bounds")
    return draw.between(least, most)


def _number(schema: Json, draw: Draw, where: str) -> float:
    """A number with two decimal places, but always within its bounds."""
    least, most = _bounds(schema)
    if least > most:
        raise NoStandIn(f"{where}: minimum is more than maximum")
    value = round(least + (most - least) * draw.below(10_001) / 10_000, 2)
    return min(max(value, least), most)


def _bounds(schema: Json) -> tuple[float, float]:
    if "minimum" in schema:
        return schema["minimum"], schema.get("maximum", schema["minimum"] + WIDE)
    return (schema["maximum"] - WIDE, schema["maximum"]) if "maximum" in schema else (0, WIDE)
