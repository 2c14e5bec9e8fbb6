"""`unique`: the different values of a field, each once."""

from __future__ import annotations

from typing import Any

from specialists.functions.fields import identity, need_field, values

Json = dict[str, Any]


class NoValues(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def unique(input: Json) -> Json:
    """The values are in the order of their first occurrence; a list on the way adds each of its elements.

    It raises NoValues.
    """
    items, field = input["items"], input.get("field")
    if field is not None:
        need_field(items, field, NoValues)
        items = [value for item in items for value in values(item, field)]
    found: Json = {}
    for value in items:
        found.setdefault(identity(value), value)
    return {"values": list(found.values())}
