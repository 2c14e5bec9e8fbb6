"""`count`: how many items have each value of a field."""

from __future__ import annotations

from collections import Counter
from typing import Any

from specialists.functions.fields import identity, need_field, values

Json = dict[str, Any]


class NotCountable(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def count(input: Json) -> Json:
    """`field` is a path (`intent`, `entities.type`); each element of a list on the way counts.

    The most frequent value comes first, and equal counts are ordered by value. `total` is the number of values counted;
    an item without the field does not count. If nothing is counted, a note says why. It raises NotCountable.
    """
    need_field(input["items"], input["field"], NotCountable)
    found = [value for item in input["items"] for value in values(item, input["field"])]
    named: Json = {}
    for value in found:
        named.setdefault(identity(value), value)
    counted = Counter(map(identity, found))
    ordered = sorted(counted, key=lambda key: (-counted[key], *_place(named[key])))
    counts = [{"value": named[key], "count": counted[key]} for key in ordered]
    if counts:
        return {"counts": counts, "total": counted.total()}
    items = len(input["items"])
    why = f"none of the {items} items has a value of {input['field']!r}" if items else "there are no items to count"
    return {"counts": [], "total": 0, "note": why}


def _place(value: Any) -> tuple[str, float, str]:
    """The sort key that keeps values of one kind together and orders numbers by size."""
    if isinstance(value, int | float):
        return "number", value, ""
    return type(value).__name__, 0, identity(value)
