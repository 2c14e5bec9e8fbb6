"""Rows: parallel lists of equal length, one for each named field; row i is their i-th items. Knows no steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.parts.beliefs import owner_of


@dataclass
class Column:
    """A list of the draft; its elements belong to the elements of the other columns one by one."""

    owner: str
    ref: str  #: a reference to the list
    names: tuple[str, ...]  #: the names of its elements' fields; empty for plain values


@dataclass
class Rows:
    """Lists of one length, and the table that they were merged into, if any."""

    columns: list[Column]
    merged: str | None = None  #: a reference to rows that hold all columns; None while the columns stand apart
    named: dict[tuple[str, str], str] = field(default_factory=dict)  #: (owner, field) -> its name in the merged rows


def names_of(fields: Iterable[Field]) -> tuple[str, ...]:
    """The outermost names of fields, in order."""
    return tuple(dict.fromkeys(each.path.partition(".")[0] for each in fields if each.path))


def inner_names(fields: Iterable[Field], path: str) -> tuple[str, ...]:
    """The outermost names of the fields inside elements of the list at `path`, in order."""
    inside = (each.path[len(path) + 1 :] for each in fields if each.path.startswith(f"{path}."))
    return tuple(dict.fromkeys(each.partition(".")[0] for each in inside))


def rows_of(given: Given, path: str = "") -> Rows:
    """Return an input list as rows; `path` names a list inside the input."""
    fields = [each for each in given.fields if each.path.startswith(f"{path}.")] if path else list(given.fields)
    cut = len(path) + 1 if path else 0
    names = tuple(dict.fromkeys(each.path[cut:].partition(".")[0] for each in fields if each.path[cut:]))
    owner = owner_of(given)
    return Rows([Column(owner, f"{owner}.{path}" if path else owner, names)])
