"""Faults of a filter's condition, given the schema of the values that it looks at. Filters nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from specialists.functions.dates import moment_of
from specialists.functions.fields import plain
from specialists.functions.keys import is_same
from specialists.functions.numbers import number_of
from specialists.planning.flow.literals import is_literal
from specialists.planning.flow.paths import known, leaf, nearest, quoted, shown
from specialists.schemas import Json, kind_of

NUMBERS = ("greater_than", "less_than", "at_least", "at_most")
DATES = ("before", "after")
CONDITIONS = ("equals", "any_of", "contains", *NUMBERS, *DATES)


def condition_faults(args: Mapping[str, Any], values: Json, field: str) -> Iterator[str]:
    """`values`: the schema of the values at the filter's field."""
    given = [name for name in CONDITIONS if name in args]
    if len(given) != 1:
        has = f"it has {' and '.join(given)}" if given else "it has none"
        yield f"a filter needs exactly one of {', '.join(CONDITIONS)}; {has}"
    values = leaf(values)
    if kind_of(values) == "object":
        yield f"field: {field!r} holds records; name a field of theirs: {known(values)}"
        return
    for name in given:
        yield from _faults(name, args[name], values, field)


def _faults(condition: str, wanted: Any, values: Json, field: str) -> Iterator[str]:
    if condition in NUMBERS:
        yield from bound_faults(condition, wanted, values, field, "number")
    elif condition in DATES:
        yield from bound_faults(condition, wanted, values, field, "date")
    elif is_literal(wanted) and "enum" in values:
        yield from _label_faults(condition, wanted, values["enum"], field)
    elif is_literal(wanted) and condition != "contains":
        yield from _kind_faults(condition, wanted, kind_of(values), field)


def _label_faults(condition: str, wanted: Any, labels: list[Any], field: str) -> Iterator[str]:
    for each in wanted if condition == "any_of" and isinstance(wanted, list) else [wanted]:
        if condition == "contains":
            found = any(plain(str(each)) in plain(str(label)) for label in labels)
        else:
            found = any(is_same(label, each) for label in labels)
        if is_literal(each) and not found:
            yield f"{condition}: {quoted(each)} is no value of {field!r}; nearest: {nearest(each, labels)}"


def _kind_faults(condition: str, wanted: Any, kind: str | None, field: str) -> Iterator[str]:
    for each in wanted if condition == "any_of" and isinstance(wanted, list) else [wanted]:
        if not is_literal(each):
            continue
        if kind in ("number", "integer") and number_of(each) is None:
            yield f"{condition}: {quoted(each)} is no number, and {field!r} holds numbers"
        elif kind == "boolean" and not (is_same(True, each) or is_same(False, each)):
            yield f"{condition}: {quoted(each)} is neither true nor false, as {field!r} is"


_READ: dict[str, Callable[[Any], Any]] = {"number": number_of, "date": moment_of}


def bound_faults(condition: str, wanted: Any, values: Json, field: str, kind: str) -> Iterator[str]:
    """`kind`: number or date, which both the bound and the values must be."""
    if is_literal(wanted) and _READ[kind](wanted) is None:
        example = "; write it as 2026-01-31" if kind == "date" else ""
        yield f"{condition}: {quoted(wanted)} is no {kind}{example}"
    if fault := measure_fault(values, field, kind):
        yield fault


def measure_fault(values: Json, field: str, *kinds: str) -> str | None:
    """Say why no value of the schema can be of one of `kinds` (number, date), or return None.

    A text may hold either, unless the schema lists all values.
    """
    values = leaf(values)
    kind, wanted = kind_of(values), " or ".join(kinds)
    if "enum" in values:
        if any(_READ[each](label) is not None for each in kinds for label in values["enum"]):
            return None
        return f"field: {field!r} is one of {shown(values['enum'])}: no {wanted}"
    if kind in (None, "null", "string") or (kind in ("number", "integer") and "number" in kinds):
        return None
    if kind == "object":
        return f"field: {field!r} holds records; name a field of theirs: {known(values)}"
    return f"field: {field!r} is {kind}, no {wanted}"
