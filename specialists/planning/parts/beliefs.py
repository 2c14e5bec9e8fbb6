"""Beliefs: how likely each part of a plan is, from the goal. They are numbers here; no model and no plan is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given

#: Functions of one field that end a plan, and the name of the list that some of them hand on.
TALLIES = ("count", "sum", "average", "min", "max", "unique", "pick", "group")
ORDERS = ("sort", "top")
NUMERIC = frozenset({"sum", "average", "min", "max"})
NUMBERS = frozenset({"number", "integer"})
INPUTS = "inputs."  #: before an input's name: no job type's has a dot
TYPES_AT_MOST = 6  #: job types that are looked at closely, the likeliest
LEAST_LIKELY = 0.01  #: of them; one that is less likely is left aside, unless all are


@dataclass(frozen=True)
class Condition:
    """What items may be selected by."""

    owner: str  #: a job type's name, or an input's as `owner_of` says it
    field: Field
    operator: str  #: as `filter` calls it
    value: Any
    probability: float
    words: str = ""  #: of the goal, that it was grounded from
    negate: bool = False  #: all others are selected


@dataclass(frozen=True)
class Tally:
    """A function of a field."""

    function: str
    owner: str
    field: Field
    probability: float
    options: tuple[tuple[str, Any], ...] = ()  #: its other arguments


@dataclass
class Beliefs:
    """How likely each part is, from the goal."""

    wants: Mapping[str, float]
    types: Mapping[str, float]  #: of every offer that may be chosen
    bind: Mapping[tuple[str, str, tuple[str, ...]], float]  #: type, parameter, source's key -> probability
    literals: Mapping[tuple[str, str], Sequence[tuple[Any, float]]]  #: type, parameter -> values
    conditions: Sequence[Condition] = ()
    tallies: Sequence[Tally] = ()
    known: frozenset[str] = frozenset()  #: types that the layer over whole goals knows


def owner_of(given: Given) -> str:
    """How an input is named among job types: as references name it, so that none is taken for the other."""
    return INPUTS + given.name
