"""`sort`: the items in the order of a field."""

from __future__ import annotations

from typing import Any

from specialists.functions.order import ordered

Json = dict[str, Any]


class NotSortable(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def sort(input: Json) -> Json:
    """Equal items keep their order; items without a value, or with one of another kind, come last.

    It raises NotSortable.
    """
    placed, rest = ordered(input["items"], input["field"], NotSortable, descending=input.get("descending", False))
    return {"items": placed + rest}
