"""Samples: the bounded schema and the beginning of an input's value, for the planner. Knows no planner.

A schema that is cut stays open where something is left out, so that the usual values still fit it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from pydantic_core import to_json

from coordinator.plans.oddities import without_oddities
from coordinator.plans.schema_fit import schema_of
from infra.records import Json

SAMPLE_BYTES = 4_000  #: bytes of JSON, like the next
SCHEMA_BYTES = 8_000
NAME_CHARACTERS = 100  #: a field with a longer name is left out


class _Cut(NamedTuple):
    """How much of a value is kept."""

    items: int  #: the most elements of a list
    characters: int  #: the most characters of a string
    fields: int  #: the most fields of an object
    levels: int  #: the most levels of nesting; objects and lists below them are empty


#: The cuts are tried in order until the result is small enough; the last one always makes it so.
_CUTS = (_Cut(2, 160, 64, 12), _Cut(2, 80, 24, 6), _Cut(1, 60, 12, 4), _Cut(1, 40, 6, 3), _Cut(1, 40, 4, 2))


def told_of(value: Any) -> Json:
    """The schema of an input's value, and a sample, without its oddities: at most about 8 and 4 kB of JSON."""
    value = without_oddities(value)
    schema = schema_of(value)
    return {
        "schema": _first_small((_open(schema, cut, cut.levels) for cut in _CUTS), SCHEMA_BYTES),
        "sample": _first_small((_begin(value, cut, cut.levels) for cut in _CUTS), SAMPLE_BYTES),
    }


def _first_small(candidates: Iterable[Any], most_bytes: int) -> Any:
    """The first candidate whose JSON has at most `most_bytes`; the last candidate if none has."""
    kept = None
    for kept in candidates:
        if len(to_json(kept)) <= most_bytes:
            break
    return kept


def _begin(value: Any, cut: _Cut, levels: int) -> Any:
    if isinstance(value, str):
        return value[: cut.characters]
    if isinstance(value, list):
        return [_begin(each, cut, levels - 1) for each in value[: cut.items]] if levels else []
    if isinstance(value, dict):
        return {name: _begin(value[name], cut, levels - 1) for name in _kept(value, cut)} if levels else {}
    return value


def _open(schema: Json, cut: _Cut, levels: int) -> Json:
    if "items" in schema:
        return {**schema, "items": _open(schema["items"], cut, levels - 1) if levels else {}}
    if "properties" not in schema:
        return schema
    properties = schema["properties"]
    kept = list(_kept(properties, cut)) if levels else []
    return {
        **schema,
        "properties": {name: _open(properties[name], cut, levels - 1) for name in kept},
        "required": [name for name in schema["required"] if name in kept],
        "additionalProperties": schema["additionalProperties"] or len(kept) < len(properties),
    }


def _kept(fields: Json, cut: _Cut) -> Iterable[str]:
    return islice((name for name in fields if len(name) <= NAME_CHARACTERS), cut.fields)
