"""`min`: the smallest value of a field."""

from __future__ import annotations

from typing import Any

from specialists.functions.order import extreme

Json = dict[str, Any]


class NoSmallest(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def min(input: Json) -> Json:
    """The result is a number or the text of a date; it is None if no item has a value. It raises NoSmallest."""
    return {"min": extreme(input["items"], input["field"], NoSmallest, largest=False)}
