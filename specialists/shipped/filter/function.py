"""`filter`: the items whose field meets a condition."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

from specialists.functions.dates import Moment, is_day_first, moment_of
from specialists.functions.fields import need_field, plain, values
from specialists.functions.keys import is_same
from specialists.functions.numbers import is_blank, number_of

Json = dict[str, Any]
Test = Callable[[Any], bool]

_NUMBERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "greater_than": gt,
    "less_than": lt,
    "at_least": ge,
    "at_most": le,
}
_DATES = {"before": Moment.is_before, "after": Moment.is_after}
#: How many values a note shows, and the most characters of each.
SHOWN, LONGEST = 5, 60
CONDITIONS = ("equals", "any_of", "contains", *_NUMBERS, *_DATES)


class NotFilterable(ValueError):
    """Its message is shown to people, so it names fields and conditions and quotes no value."""


def filter(input: Json) -> Json:
    """The kept items stay in their order. `field` is a path; in a list on the way any element may meet the condition.

    Case, `_` and spaces around a text make no difference, because a planner copies the words of the goal (`lost or
    stolen card`). With `negate` the items that do not meet the condition are kept. If no item is kept, a note says
    which values there are. It raises NotFilterable.
    """
    items, field = input["items"], input["field"]
    condition = _condition(input)
    need_field(items, field, NotFilterable)
    meets = _test(condition, input[condition], [value for item in items for value in values(item, field)], field)
    negate = input.get("negate", False)
    kept = [item for item in items if any(map(meets, values(item, field))) is not negate]
    found = {"items": kept, "kept": len(kept)}
    return found if kept else {**found, "note": _why_none(items, field)}


def _why_none(items: list[Any], field: str) -> str:
    """Say which values the items have instead."""
    if not items:
        return "there are no items to choose from"
    others = list(dict.fromkeys(_cut(value) for item in items for value in values(item, field) if value is not None))
    shown = ", ".join(others[:SHOWN]) + (", …" if len(others) > SHOWN else "")
    has = f"{field!r} is {shown} there" if others else f"none of them has a value of {field!r}"
    return f"none of the {len(items)} items meets the condition: {has}"


def _cut(value: Any) -> str:
    text = _written(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _condition(input: Json) -> str:
    given = [name for name in CONDITIONS if name in input]
    if len(given) != 1:
        has = f"it has {' and '.join(given)}" if given else "it has none"
        raise NotFilterable(f"a filter needs exactly one of {', '.join(CONDITIONS)}; {has}")
    return given[0]


def _test(condition: str, wanted: Any, found: Sequence[Any], field: str) -> Test:
    """Return a test for whether a value meets the condition. `found`: all values that will be tested."""
    if condition in _NUMBERS:
        return _number_test(condition, wanted, found, field)
    if condition in _DATES:
        return _date_test(condition, wanted, found, field)
    if condition == "contains":
        return lambda value: value is not None and plain(wanted) in plain(_written(value))
    choices = wanted if condition == "any_of" else [wanted]
    return lambda value: any(is_same(value, choice) for choice in choices)


def _number_test(condition: str, wanted: Any, found: Sequence[Any], field: str) -> Test:
    bound, compare = number_of(wanted), _NUMBERS[condition]
    if bound is None:
        raise NotFilterable(f"{condition}: is no number")
    _need_some(map(number_of, found), found, field, "number")

    def meets(value: Any) -> bool:
        number = number_of(value)
        return number is not None and compare(number, bound)

    return meets


def _date_test(condition: str, wanted: Any, found: Sequence[Any], field: str) -> Test:
    day_first = is_day_first(found)
    bound, compare, read = moment_of(wanted), _DATES[condition], partial(moment_of, day_first=day_first)
    if bound is None:
        raise NotFilterable(f"{condition}: is no date; write it as 2026-01-31")
    _need_some(map(read, found), found, field, "date")

    def meets(value: Any) -> bool:
        moment = read(value)
        return moment is not None and compare(moment, bound)

    return meets


def _need_some(read: Any, found: Sequence[Any], field: str, kind: str) -> None:
    """Refuse a condition that no value can meet or fail, since it would keep nothing without a reason."""
    said = [value for value in found if not is_blank(value)]
    if said and all(each is None for each in read):
        raise NotFilterable(f"none of the {len(said)} values of {field!r} is a {kind}")
