"""Whether all values of one JSON Schema are values of another: what cannot be shown is a difference. Knows no job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specialists.schemas import OWN, Json, kinds_of, value_faults

#: Keywords that say nothing of a value.
_SILENT = frozenset({"$schema", "title", "description", "default", *OWN})
#: Upper and lower bounds. A value of the source keeps the target's where the source's own bound is as narrow.
_MOST = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")
_LEAST = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")
#: Keywords that both schemas must have alike.
_ALIKE = ("pattern", "format", "multipleOf", "uniqueItems", "dependentRequired", "patternProperties", "prefixItems")
_COMPARED = frozenset((
    *("type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items"),
    *_MOST, *_LEAST, *_ALIKE,
))  # fmt: skip


def difference(source: Json, target: Any, where: str) -> str | None:
    """Why a value of `source` might be none of `target`; None if each of them is. Both are without references."""
    if isinstance(target, bool):
        return None if target else f"{where}: nothing is allowed there"
    asked = {key: value for key, value in target.items() if key not in _SILENT}
    if not asked or asked == {key: value for key, value in source.items() if key not in _SILENT}:
        return None
    if strange := sorted(asked.keys() - _COMPARED):
        return f"{where}: keyword {strange[0]!r} is not compared; leave it out"
    if (values := _values(source)) is not None:
        return next((fault for value in values for fault in value_faults(value, target, where)), None)
    if "anyOf" in source:
        return next((found for each in source["anyOf"] if (found := difference(each, target, where))), None)
    if "anyOf" in asked:
        return _of_a_member(source, asked, where)
    if asked.keys() & {"enum", "const"}:
        return f"{where}: other values than those of its 'enum' are possible"
    return next((found for found in _differences(source, asked, where) if found), None)


def _values(source: Json) -> list[Any] | None:
    """All values, where the schema lists them."""
    if "const" in source:
        return [source["const"]]
    values: list[Any] | None = source.get("enum")
    return values


def _of_a_member(source: Json, target: Json, where: str) -> str | None:
    rest = {key: value for key, value in target.items() if key != "anyOf"}
    found = [difference(source, each, where) for each in target["anyOf"]]
    if all(found):
        return found[0]
    return difference(source, rest, where)


def _differences(source: Json, target: Json, where: str) -> Iterator[str | None]:
    kinds, allowed = kinds_of(source), kinds_of(target)
    if not kinds:
        yield f"{where}: may be anything" if allowed else None
    if allowed and (others := [each for each in kinds if not _is_one_of(each, allowed)]):
        yield f"{where}: must be {' or '.join(allowed)}, may be {' or '.join(others)}"
    yield from _bounds(source, target, where)
    for key in _ALIKE:
        if key in target and target[key] is not False and source.get(key) != target[key]:
            yield f"{where}: {key} {target[key]!r} is not promised"
    if "object" in kinds or not kinds:
        yield from _of_objects(source, target, where)
    if ("array" in kinds or not kinds) and "items" in target:
        yield difference(source.get("items", {}), target["items"], f"{where}[]")


def _is_one_of(kind: str, allowed: list[str]) -> bool:
    return kind in allowed or (kind == "integer" and "number" in allowed)


def _bounds(source: Json, target: Json, where: str) -> Iterator[str]:
    for key in (*_MOST, *_LEAST):
        bound, own = target.get(key), source.get(key)
        if bound is None or (key in ("minLength", "minItems", "minProperties") and bound == 0):
            continue
        if own is None or (own > bound if key in _MOST else own < bound):
            yield f"{where}: {key} is {own if own is not None else 'not said'}, {bound} is asked for"


def _of_objects(source: Json, target: Json, where: str) -> Iterator[str | None]:
    mine, theirs = source.get("properties", {}), target.get("properties", {})
    more, others = source.get("additionalProperties", True), target.get("additionalProperties", True)
    for name in target.get("required", []):
        if name not in source.get("required", []):
            yield f"{where}: {name!r} may be missing" if name in mine else f"{where}: has no {name!r}"
    for name, schema in mine.items():
        if name not in theirs and others is False:
            yield f"{where}: has {name!r}, which the schema does not allow"
        else:
            yield difference(schema, theirs.get(name, others), f"{where}.{name}")
    if more is False:
        return
    rest = {} if more is True else more
    for name in theirs.keys() - mine.keys():
        yield difference(rest, theirs[name], f"{where}.{name}")
    yield difference(rest, others, f"{where}.*")
