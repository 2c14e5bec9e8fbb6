"""`join`: two lists of records side by side where their keys are equal."""

from __future__ import annotations

from typing import Any

from specialists.functions.fields import VALUE, add_fields, need_field, values
from specialists.functions.keys import key_of

Json = dict[str, Any]


class NotJoinable(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


#: The most rows; a few items make many rows if keys repeat on both sides.
MOST = 10_000


def join(input: Json) -> Json:
    """Make a row for each pair of equal keys, in the order of the left list. If both sides have a field, the name
    stands for the left one, and the right one is called `<field>_2`. It raises NotJoinable.
    """
    left, right, on = input["left"], input["right"], input["on"]
    need_field(left, on, NotJoinable, "item of left")
    need_field(right, on, NotJoinable, "item of right")
    partners: dict[str, list[Json]] = {}
    for item in right:
        for key in _keys(item, on):
            partners.setdefault(key, []).append(_fields(item))
    rows: list[Json] = []
    for item in left:
        found = [partner for key in _keys(item, on) for partner in partners.get(key, [])]
        if len(rows) + len(found) > MOST:
            raise NotJoinable(f"more than {MOST} pairs have the same {on!r}; a join makes no more rows")
        rows += [_row(_fields(item), partner, on) for partner in found]
    return {"rows": rows}


def _keys(item: Any, on: str) -> list[str]:
    """Return the item's keys without repetitions."""
    return list(dict.fromkeys(key_of(value) for value in values(item, on) if value is not None))


def _fields(item: Any) -> Json:
    return item if isinstance(item, dict) else {VALUE: item}


def _row(left: Json, right: Json, on: str) -> Json:
    row = dict(left)
    add_fields(row, {name: value for name, value in right.items() if name != on}, 2)
    return row
