"""`max`: the largest value of a field."""

from __future__ import annotations

from typing import Any

from specialists.functions.order import extreme

Json = dict[str, Any]


class NoLargest(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def max(input: Json) -> Json:
    """The result is a number or the text of a date; it is None if no item has a value. It raises NoLargest."""
    return {"max": extreme(input["items"], input["field"], NoLargest, largest=True)}
