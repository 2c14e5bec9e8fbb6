"""`sum`: the numbers of a field, added up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from specialists.functions.numbers import as_json, numbers_at

Json = dict[str, Any]


class NotSummable(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def sum(input: Json) -> Json:
    """`field` is a path; each element of a list on the way is added. The sum is exact in decimals, and 0 if there are
    no numbers. It raises NotSummable.
    """
    total = Decimal(0)
    for number in numbers_at(input["items"], input["field"], NotSummable):
        total += number
    return {"sum": as_json(total)}
