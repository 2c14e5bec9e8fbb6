"""`min`: the smallest value of a field."""

from __future__ import annotations

from typing import Any

from specialists.functions.order import extreme

Json = dict[str, Any]


class NoSmallest(ValueError):
    """Its words are shown to people: they name fields and quote no value."""


def min(input: Json) -> Json:
    """A number, or the text of a date; None where no item has a value. Raises NoSmallest."""
    return {"min": extreme(input["items"], input["field"], NoSmallest, largest=False)}
