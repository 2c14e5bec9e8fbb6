"""`average`: the mean of the numbers of a field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from specialists.functions.numbers import as_json, numbers_at

Json = dict[str, Any]


class NoAverage(ValueError):
    """Its words are shown to people: they name fields and quote no value."""


def average(input: Json) -> Json:
    """Of the numbers that there are: an item without one counts nowhere. None of none. Raises NoAverage."""
    numbers = numbers_at(input["items"], input["field"], NoAverage)
    return {"average": as_json(sum(numbers, Decimal(0)) / len(numbers)) if numbers else None}
