"""`sort`: the items in the order of a field."""

from __future__ import annotations

from typing import Any

from specialists.functions.order import ordered

Json = dict[str, Any]


class NotSortable(ValueError):
    """Its words are shown to people: they name fields and quote no value."""


def sort(input: Json) -> Json:
    """Equal items stay as they came; those without a value, or with one of another kind, come last.

    Raises NotSortable.
    """
    placed, rest = ordered(input["items"], input["field"], NotSortable, descending=input.get("descending", False))
    return {"items": placed + rest}
