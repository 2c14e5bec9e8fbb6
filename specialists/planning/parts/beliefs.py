"""Beliefs: how likely each part of a plan is, from the goal. They are numbers here; no model and no plan is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given

#: Functions of one field that end a plan; `ORDERS` are those that hand items on.
TALLIES = ("count", "sum", "average", "min", "max", "unique", "pick", "group")
ORDERS = ("sort", "top")
NUMERIC = frozenset({"sum", "average", "min", "max"})
NUMBERS = frozenset({"number", "integer"})
INPUTS = "inputs."  #: stands before an input's name, since no job type's name has a dot
TYPES_AT_MOST = 6  #: how many job types are looked at closely, the likeliest first
LEAST_LIKELY = 0.01  #: a less likely job type is left aside, unless all are


@dataclass(frozen=True)
class Condition:
    """A condition that items may be selected by."""

    owner: str  #: a job type's name, or an input's as `owner_of` writes it
    field: Field
    operator: str  #: as `filter` names it
    value: Any
    probability: float
    words: str = ""  #: the words of the goal that it was read from
    negate: bool = False  #: the items that do not match are selected


@dataclass(frozen=True)
class Tally:
    """A function of a field that may end a plan."""

    function: str
    owner: str
    field: Field
    probability: float
    options: tuple[tuple[str, Any], ...] = ()  #: the function's other arguments


@dataclass
class Beliefs:
    """How likely each part of a plan is, given the goal."""

    wants: Mapping[str, float]
    types: Mapping[str, float]  #: for every offer that may be chosen
    bind: Mapping[tuple[str, str, tuple[str, ...]], float]  #: type, parameter, key of the source -> probability
    #: (type, parameter) -> values with their probabilities
    literals: Mapping[tuple[str, str], Sequence[tuple[Any, float]]]
    conditions: Sequence[Condition] = ()
    tallies: Sequence[Tally] = ()
    known: frozenset[str] = frozenset()  #: job types that the layer over whole goals knows


def owner_of(given: Given) -> str:
    """Name an input as references do, so that its name cannot be taken for a job type's."""
    return INPUTS + given.name
