"""Rows: lists of one length that stand beside each other, and how their fields are called. Knows no steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.parts.beliefs import owner_of


@dataclass
class Column:
    """A list of the draft, element by element beside the others of its rows."""

    owner: str
    ref: str  #: of the list
    names: tuple[str, ...]  #: of its elements' fields; none: they are plain values


@dataclass
class Rows:
    """Lists of one length, and what has become of them."""

    columns: list[Column]
    merged: str | None = None  #: a reference to rows that hold all columns; None: they stand apart
    named: dict[tuple[str, str], str] = field(default_factory=dict)  #: (owner, field) -> its name in the merged rows


def names_of(fields: Iterable[Field]) -> tuple[str, ...]:
    """The outermost names of fields, in order."""
    return tuple(dict.fromkeys(each.path.partition(".")[0] for each in fields if each.path))


def inner_names(fields: Iterable[Field], path: str) -> tuple[str, ...]:
    """The outermost names of the fields that elements of the list at `path` have, in order."""
    inside = (each.path[len(path) + 1 :] for each in fields if each.path.startswith(f"{path}."))
    return tuple(dict.fromkeys(each.partition(".")[0] for each in inside))


def rows_of(given: Given, path: str = "") -> Rows:
    """An input list as rows; `path`: of a list inside the input."""
    fields = [each for each in given.fields if each.path.startswith(f"{path}.")] if path else list(given.fields)
    cut = len(path) + 1 if path else 0
    names = tuple(dict.fromkeys(each.path[cut:].partition(".")[0] for each in fields if each.path[cut:]))
    owner = owner_of(given)
    return Rows([Column(owner, f"{owner}.{path}" if path else owner, names)])
