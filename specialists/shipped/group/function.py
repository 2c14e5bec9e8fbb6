"""`group`: the items, grouped by the value of a field."""

from __future__ import annotations

from typing import Any

from specialists.functions.fields import identity, need_field, values

Json = dict[str, Any]


class NoGroups(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def group(input: Json) -> Json:
    """The groups are in the order of their first items. An item with several values is in several groups; items without
    a value are in a last group, whose value is null. It raises NoGroups.
    """
    need_field(input["items"], input["field"], NoGroups)
    groups: dict[str, Json] = {}
    without = []
    for item in input["items"]:
        found = {identity(value): value for value in values(item, input["field"]) if value is not None}
        for key, value in found.items():
            groups.setdefault(key, {"value": value, "items": []})["items"].append(item)
        if not found:
            without.append(item)
    return {"groups": [*groups.values(), *([{"value": None, "items": without}] if without else [])]}
