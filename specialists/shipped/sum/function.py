"""`sum`: the numbers of a field, added up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from specialists.functions.numbers import as_json, numbers_at

Json = dict[str, Any]


class NotSummable(ValueError):
    """Its words are shown to people: they name fields and quote no value."""


def sum(input: Json) -> Json:
    """`field` is a path; a list on the way adds each element. Exact in decimals; 0 for none. Raises NotSummable."""
    total = Decimal(0)
    for number in numbers_at(input["items"], input["field"], NotSummable):
        total += number
    return {"sum": as_json(total)}
