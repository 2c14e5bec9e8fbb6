"""Oddities: the few elements of a list that are unlike its others. Knows no planner.

One row that is null, blank, of another type or without a field that the others have is a bad row. It says nothing of
what the list is, and a goal in words leaves it out when it meets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from specialists.schemas import type_of

#: Elements are a list's usual ones if they are at least this share of it; otherwise none of its elements is odd.
USUAL = 2 / 3


def without_oddities(value: Any) -> Any:
    """`value` with the usual elements of each list in it."""
    if isinstance(value, dict):
        return {name: without_oddities(child) for name, child in value.items()}
    if not isinstance(value, list):
        return value
    elements = [without_oddities(each) for each in value]
    alike = _alike(elements)
    return alike if len(alike) >= USUAL * len(elements) else elements


def _alike(elements: Sequence[Any]) -> list[Any]:
    """The elements of the commonest kind. Objects have, besides, the fields that are usual among all elements."""
    kinds = [_kind(each) for each in elements]
    commonest = max(set(kinds), key=kinds.count, default=None)
    alike = [each for each, kind in zip(elements, kinds, strict=True) if kind == commonest]
    if commonest != "object":
        return alike
    counts = Counter(field for each in alike for field in _fields(each))
    usual = {field for field, count in counts.items() if count >= USUAL * len(elements)}
    return [each for each in alike if usual <= _fields(each)]


def _fields(value: dict[str, Any]) -> set[tuple[str, str]]:
    return {(name, _kind_of_field(child)) for name, child in value.items()}


def _kind(value: Any) -> str:
    return "blank" if isinstance(value, str) and not value.strip() else _kind_of_field(value)


def _kind_of_field(value: Any) -> str:
    """A blank field is no oddity: tables have many."""
    kind = type_of(value)
    return "number" if kind == "integer" else kind
