"""Two schemas as one, of the values that both allow; and whether two have no value in common. Knows no references."""

from __future__ import annotations

import re
from typing import Any

from specialists.schemas import OWN, Json, are_known, kinds_of, same, type_of, value_faults

_ANNOTATIONS = ("title", "description", "default", "examples", "example", "$comment", "$id", "$schema", "deprecated")
#: A pattern's beginning that stands for itself; behind its last character is nothing that has it more or less often.
_PLAINLY = re.compile(r"\^((?:(?:[A-Za-z0-9 _;:/,=#@%&~<>!-]|\\[^A-Za-z0-9])(?![?*{]))*)")
_SMALLER = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")
_LARGER = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")
_MOST_PAIRS = 64  #: of members of two `anyOf`


class MergeError(ValueError):
    """Two schemas that no single one of the dialect stands for."""


class NothingError(MergeError):
    """No value keeps both."""


def merged(one: Json, other: Json) -> Json:
    """A schema of the values that both allow. Raises MergeError where it cannot be said simply."""
    _check_closed(one, other)
    _check_closed(other, one)
    one, other = _held_to(other, one), _held_to(one, other)
    both = dict(one)
    for key, value in other.items():
        both[key] = value if key not in one else _both(key, one[key], value)
    return both


def _both(key: str, mine: Any, theirs: Any) -> Any:
    if same(mine, theirs) or key in _ANNOTATIONS or (key.startswith("x-") and key not in OWN):
        return mine
    if key in ("properties", "patternProperties"):
        shared = {name: {"allOf": [mine[name], theirs[name]]} for name in mine if name in theirs}
        return {**mine, **theirs, **shared}
    if key == "anyOf" and len(mine) * len(theirs) <= _MOST_PAIRS:
        return [{"allOf": [one, other]} for one in mine for other in theirs]
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
    if key in ("items", "additionalProperties") and isinstance(mine, bool | dict) and isinstance(theirs, bool | dict):
        return False if False in (mine, theirs) else theirs if mine is True else mine
    if key == "enum" and (values := [value for value in mine if any(same(value, each) for each in theirs)]):
        return values
    if key == "type" and (kinds := _shared_kinds(mine, theirs)):
        return kinds if len(kinds) > 1 else kinds[0]
    if key == "dependentRequired":
        return {name: [*mine.get(name, []), *theirs.get(name, [])] for name in {**mine, **theirs}}
    fault = NothingError if key in ("enum", "type", "const") else MergeError
    raise fault(f"'allOf' or '$ref': two of its schemas say different {key!r}; write them as one")


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


def _held_to(closed: Json, other: Json) -> Json:
    """`other`, whose names by pattern are held to what `closed` says of names that it does not name."""
    rest, patterns = closed.get("additionalProperties", True), other.get("patternProperties")
    if rest is True or not patterns or patterns == closed.get("patternProperties"):
        return other
    if closed.get("properties") or closed.get("patternProperties"):
        raise MergeError("'allOf' or '$ref': two of its schemas say different 'patternProperties'; write them as one")
    return {**other, "patternProperties": {name: {"allOf": [rest, each]} for name, each in patterns.items()}}


def exclude_each_other(one: Json, other: Json) -> bool:
    """Whether it is plain that no value keeps both. References are written out in them."""
    for several, another in ((one, other), (other, one)):
        members = several.get("anyOf")
        if members and all(isinstance(each, dict) and exclude_each_other(each, another) for each in members):
            return True
    mine, theirs = _values(one), _values(other)
    if mine is not None and theirs is not None:
        return not any(value in theirs for value in mine)
    if mine is not None or theirs is not None:
        values, rest = (mine, other) if mine is not None else (theirs, one)
        if (known := kinds_of(rest)) and not any(_may_be(value, known) for value in values or []):
            return True
        return are_known(rest) and all(value_faults(value, rest, "") for value in values or [])
    own, others = set(kinds_of(one)), set(kinds_of(other))
    if not own or not others or own | others >= {"integer", "number"}:
        return False
    if own == others == {"string"} and _begin_unlike(one.get("pattern"), other.get("pattern")):
        return True
    return not own & others or (own == others == {"object"} and _objects_exclude(one, other))


def _begin_unlike(one: Any, other: Any) -> bool:
    """Whether texts of two patterns begin with different characters."""
    mine, theirs = (_beginning(pattern) if isinstance(pattern, str) else "" for pattern in (one, other))
    return any(a != b for a, b in zip(mine, theirs, strict=False))


def _beginning(pattern: str) -> str:
    """The characters with which each text of `pattern` begins, as far as that is plain."""
    found = _PLAINLY.match(pattern) if "|" not in re.sub(r"\\.|\([^()|]*(?:\|[^()|]*)*\)", "", pattern) else None
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


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


def apart(one: Json, other: Json) -> Json | None:
    """`one` without the values that `other`, the schema of an object as well, might hold too; None: it cannot be said.

    It may lose more values than those.
    """
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    if kinds_of(one) != ["object"] or kinds_of(other) != ["object"] or one.get("additionalProperties") is not False:
        return None
    if "patternProperties" in one or "patternProperties" in other:
        return None
    needed = one.get("required", [])
    for name in other.get("required", []):
        if name in mine and name not in needed:
            return {**one, "properties": {key: each for key, each in mine.items() if key != name}}
    own = [name for name in mine if name not in theirs] if other.get("additionalProperties") is False else []
    unlike = [name for name in mine if name in theirs and name not in needed and _are_unlike(mine[name], theirs[name])]
    chosen = own if len(own) == 1 else unlike
    return {**one, "required": [*needed, chosen[0]]} if chosen else None


def _are_unlike(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict) and exclude_each_other(one, other)


def _may_be(value: Any, kinds: list[str]) -> bool:
    """1.0 is a whole number to JSON Schema, and each whole number is a number."""
    return type_of(value) in kinds or (type(value) in (int, float) and bool({"integer", "number"} & set(kinds)))


def _values(schema: Json) -> list[Any] | None:
    return schema.get("enum", [schema["const"]] if "const" in schema else None)
