"""`average`: the mean of the numbers of a field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from specialists.functions.numbers import as_json, numbers_at

Json = dict[str, Any]


class NoAverage(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def average(input: Json) -> Json:
    """An item without a number does not count; the average of no numbers is None. It raises NoAverage."""
    numbers = numbers_at(input["items"], input["field"], NoAverage)
    return {"average": as_json(sum(numbers, Decimal(0)) / len(numbers)) if numbers else None}
