"""Dependencies: `dependentRequired` as `anyOf`, which a grammar holds. Knows no references."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from specialists.schemas import Json, kinds_of

KEY = "dependentRequired"
MOST = 4  #: properties that ask for others; each doubles the members


def with_members(schema: Json, closes: bool) -> Json:
    """An object schema with a member for each set of properties that ask for others. Without it, it stays as it is.

    `closes`: an object that is open will be closed. In an open one a property that a member lacks could be written.
    """
    asking = schema.get(KEY)
    if not isinstance(asking, dict) or not _can_be_held(schema, closes):
        return schema
    named = schema.get("properties", {})
    rest = {key: value for key, value in schema.items() if key != KEY}
    asking = {name: set(needed) - {name} for name, needed in asking.items() if name in named}
    if not any(asking.values()):
        return rest
    kept: Json = {key: rest.pop(key) for key in ("$schema", "title", "description", "default") if key in rest}
    kind = {"type": "object"} if schema.get("type") == "object" else {}
    members = [
        {**rest, "properties": {name: each for name, each in named.items() if name not in absent}, "required": needed}
        for absent, needed in _sets(asking, set(schema.get("required", ())), set(named))
    ]
    if not members:  # what is required asks for what there is not
        return {**kept, **rest, "required": sorted(set(schema["required"]).union(*asking.values()))}
    return {**kept, **kind, "anyOf": members}


def _can_be_held(schema: Json, closes: bool) -> bool:
    beside = schema.keys() & {"anyOf", "oneOf", "patternProperties"}
    closed = schema.get("additionalProperties", True) is False or (
        closes and not isinstance(schema.get("additionalProperties"), dict)
    )
    return closed and not beside and "object" in kinds_of(schema) and len(schema[KEY]) <= MOST


def _sets(asking: dict[str, set[str]], required: set[str], named: set[str]) -> Iterator[tuple[set[str], list[str]]]:
    """The properties that are absent, and those that are then required; a set for each that is possible."""
    for size in range(len(asking) + 1):
        for present in map(set, combinations(asking, size)):
            needed = required | present | {each for name in present for each in asking[name]}
            if needed <= named and needed & asking.keys() <= present:
                yield asking.keys() - present, sorted(needed)
