"""Two schemas as one, of the values that both allow; and whether two have no value in common. Knows no references."""

from __future__ import annotations

import json
from typing import Any

from specialists.schemas import SPAN_OF, Json, kinds_of, type_of

_ANNOTATIONS = ("title", "description", "default", "examples", "example", "$comment", "$id", "$schema", "deprecated")
_SMALLER = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")
_LARGER = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")


class MergeError(ValueError):
    """Two schemas that no single one of the dialect stands for."""


def merged(one: Json, other: Json) -> Json:
    """A schema of the values that both allow. Raises MergeError where it cannot be said simply."""
    _check_closed(one, other)
    _check_closed(other, one)
    both = dict(one)
    for key, value in other.items():
        both[key] = value if key not in one else _both(key, one[key], value)
    return both


def _both(key: str, mine: Any, theirs: Any) -> Any:
    if _written(mine) == _written(theirs) or key in _ANNOTATIONS or (key.startswith("x-") and key != SPAN_OF):
        return mine
    if key == "properties":
        shared = {name: {"allOf": [mine[name], theirs[name]]} for name in mine if name in theirs}
        return {**mine, **theirs, **shared}
    if key in ("$defs", "definitions"):
        return {**theirs, **mine}
    if key == "required":
        return list(dict.fromkeys([*mine, *theirs]))
    if key in _SMALLER and not isinstance(mine, bool):
        return min(mine, theirs)
    if key in _LARGER and not isinstance(mine, bool):
        return max(mine, theirs)
    if key in ("items", "additionalProperties") and isinstance(mine, dict) and isinstance(theirs, dict):
        return {"allOf": [mine, theirs]}
    if key in ("items", "additionalProperties") and True in (mine, theirs):
        return theirs if mine is True else mine
    if key == "enum" and (values := [value for value in mine if _written(value) in map(_written, theirs)]):
        return values
    if key == "type" and (kinds := _shared_kinds(mine, theirs)):
        return kinds if len(kinds) > 1 else kinds[0]
    raise MergeError(f"'allOf' or '$ref': two of its schemas say different {key!r}; write them as one")


def _shared_kinds(mine: Any, theirs: Any) -> list[str]:
    one, other = (kinds_of({"type": each}) for each in (mine, theirs))
    kept = [kind for kind in one if kind in other or (kind == "integer" and "number" in other)]
    return kept + (["integer"] if "number" in one and "integer" in other and "integer" not in kept else [])


def _check_closed(closed: Json, other: Json) -> None:
    """A closed schema forbids, or holds to its map, what the other names beside it."""
    if closed.get("additionalProperties", True) is True:
        return
    if more := sorted(set(other.get("properties", {})) - set(closed.get("properties", {}))):
        raise MergeError(
            f"'allOf' or '$ref': one schema is closed by 'additionalProperties', the other has {more[0]!r} beside it; "
            "write them as one"
        )


def exclude_each_other(one: Json, other: Json) -> bool:
    """Whether it is plain that no value keeps both."""
    mine, theirs = _values(one), _values(other)
    if mine is not None and theirs is not None:
        return not any(value in theirs for value in mine)
    if mine is not None or theirs is not None:
        values, rest = (mine, other) if mine is not None else (theirs, one)
        kinds = {*kinds_of(rest), *(["integer"] if "number" in kinds_of(rest) else [])}
        return bool(kinds) and not any(type_of(value) in kinds or _is_whole(value) for value in values or [])
    kinds, others = set(kinds_of(one)), set(kinds_of(other))
    if not kinds or not others or {*kinds, *others} >= {"integer", "number"}:
        return False
    return not kinds & others or (kinds == others == {"object"} and _objects_exclude(one, other))


def _objects_exclude(one: Json, other: Json) -> bool:
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    needed = set(one.get("required", [])) & set(other.get("required", [])) & mine.keys() & theirs.keys()
    pairs = [(mine[name], theirs[name]) for name in needed]
    if any(isinstance(a, dict) and isinstance(b, dict) and exclude_each_other(a, b) for a, b in pairs):
        return True
    return _lacks(one, other) or _lacks(other, one)


def _lacks(closed: Json, other: Json) -> bool:
    """Whether `closed` has no place for what `other` needs."""
    return closed.get("additionalProperties") is False and not set(other.get("required", [])) <= set(
        closed.get("properties", {})
    )


def _values(schema: Json) -> list[Any] | None:
    return schema.get("enum", [schema["const"]] if "const" in schema else None)


def _is_whole(value: Any) -> bool:
    """1.0 is a whole number to JSON Schema."""
    return isinstance(value, float) and value.is_integer()


def _written(value: Any) -> str:
    """To tell values apart that Python calls equal, as true and 1."""
    return json.dumps(value, sort_keys=True)
