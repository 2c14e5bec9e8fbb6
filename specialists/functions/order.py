"""The order of items by a field: as numbers, as dates or as texts, according to the field's values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from specialists.functions.dates import is_day_first, moment_of
from specialists.functions.fields import need_field, values
from specialists.functions.numbers import amount_of, as_json, is_blank, need_one_unit, number_of

#: Gives a value's place in the order, or None if it has none.
Rank = Callable[[Any], Any]


def ordered(
    items: list[Any], field: str, fault: type[ValueError], descending: bool = False, measured: bool = False
) -> tuple[list[Any], list[Any]]:
    """Return the items that have a place, in order, and those that have none. Equal items keep their order.

    An item with several values is placed by its largest value, or by its smallest if the order ascends. It raises
    `fault` if no item has the field or if currencies differ, and with `measured` also if the values are neither numbers
    nor dates.
    """
    need_field(items, field, fault)
    found = [[value for value in values(item, field) if not is_blank(value)] for item in items]
    rank = _rank([value for each in found for value in each], field, fault, measured)
    places = [[place for value in each if (place := rank(value)) is not None] for each in found]
    most = max if descending else min
    placed = [(most(place), item) for place, item in zip(places, items, strict=True) if place]
    rest = [item for place, item in zip(places, items, strict=True) if not place]
    return [item for _, item in sorted(placed, key=lambda pair: pair[0], reverse=descending)], rest


def extreme(items: list[Any], field: str, fault: type[ValueError], largest: bool) -> Any:
    """The smallest or the largest value at `field`: a number, or a date's text; None if there are no values.

    It raises `fault` if no item has the field, if some values are neither numbers nor dates, or if currencies differ.
    """
    need_field(items, field, fault)
    found = [value for item in items for value in values(item, field) if not is_blank(value)]
    rank = _rank(found, field, fault, measured=True)
    placed = [(place, value) for value in found if (place := rank(value)) is not None]
    if wrong := len(found) - len(placed):
        raise fault(f"{wrong} of the {len(found)} values of {field!r} have no place among the others")
    if not placed:
        return None
    place, value = (max if largest else min)(placed, key=lambda pair: pair[0])
    return as_json(place) if isinstance(place, Decimal) else value


def _rank(found: Sequence[Any], field: str, fault: type[ValueError], measured: bool) -> Rank:
    amounts = [amount for amount in map(amount_of, found) if amount]
    if amounts and (len(amounts) == len(found) or any(map(_is_number, found))):
        need_one_unit(amounts, field, fault)
        return number_of
    day_first = is_day_first(found)
    if found and all(moment_of(value, day_first) for value in found):
        return partial(_instant, day_first=day_first)
    if found and measured:
        raise fault(f"the values of {field!r} are neither numbers nor dates")
    return _truth if found and all(isinstance(value, bool) for value in found) else _text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instant(value: Any, day_first: bool) -> Any:
    moment = moment_of(value, day_first)
    return moment.order() if moment else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value.casefold() if isinstance(value, str) else None
