"""Distinct elements: lists that say so keep each element once, however often an answer repeats it. Knows no format.

No grammar remembers what it has written, so nothing keeps a model from writing an element of a set twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from specialists.patterns import found
from specialists.schemas import Json, schema_at, value_faults


def says_distinct(schema: Json) -> bool:
    """Whether a list somewhere in the schema has distinct elements."""
    return '"uniqueItems": true' in json.dumps(schema)


def distinct(value: Any, schema: Any) -> Any:
    """`value` without what is repeated in the lists of which `schema` says that their elements are unique."""
    if not isinstance(schema, dict):
        return value
    if "anyOf" in schema:
        value = _by_member(value, schema["anyOf"])
    if isinstance(value, list):
        elements = [distinct(each, schema_at(schema, n)) for n, each in enumerate(value)]
        return _once(elements) if schema.get("uniqueItems") and "prefixItems" not in schema else elements
    if isinstance(value, dict):
        return {name: distinct(child, _schema_of(name, schema)) for name, child in value.items()}
    return value


def _by_member(value: Any, members: Iterable[Any]) -> Any:
    """As the first of the members says that holds the value then."""
    tried = ((member, distinct(value, member)) for member in members if isinstance(member, dict))
    return next((each for member, each in tried if not value_faults(each, member, "")), value)


def _schema_of(name: str, schema: Json) -> Any:
    if name in (named := schema.get("properties", {})):
        return named[name]
    patterns = schema.get("patternProperties", {})
    return next((patterns[each] for each in patterns if found(each, name)), schema.get("additionalProperties"))


def _once(elements: Iterable[Any]) -> list[Any]:
    kept: dict[str, Any] = {}
    for each in elements:
        kept.setdefault(_key(each), each)
    return list(kept.values())


def _key(value: Any) -> str:
    """The same for values that are one in JSON, as 1 and 1.0 are."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return list(map(_whole, value))
    return {name: _whole(each) for name, each in value.items()} if isinstance(value, dict) else value
