"""Tallies: the functions of a field that a goal may mean, and the evidence for each. Weighs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specialists.planning.evidence.logistic import Evidence
from specialists.planning.offers.field import Field
from specialists.planning.parts.beliefs import INPUTS, NUMBERS, NUMERIC, ORDERS, TALLIES, Tally
from specialists.planning.reading.fields import Fields
from specialists.planning.reading.goal_words import GoalWords
from specialists.planning.words import texts
from specialists.planning.words.amounts import Number

TYPES = 4  #: the number of job types whose fields are looked at, the likeliest first
WANTED = 0.04  #: how likely the goal must want a function for it to be tried
AMOUNT = 24  #: the most characters of a text that may be an amount
COUNTS, MOST_TOP = 2, 1000  #: how many numbers of the goal `top` may take, and the largest one

Asked = tuple[str, Tally]  #: the text for the scorer, the tally
Options = tuple[tuple[str, Any], ...]


class Tallies:
    def __init__(self, words: GoalWords, fields: Fields, wants: Mapping[str, float]) -> None:
        """`wants`: how likely the goal wants each function."""
        self._words = words
        self._fields = fields
        self._wants = wants

    def asked(self) -> Iterator[Asked]:
        for function in (*TALLIES, *ORDERS):
            if self._wants[function] < WANTED:
                continue
            for owner, fields in self._fields.by_owner(TYPES):
                for field in fields:
                    yield from self._of_field(function, owner, field)

    def _of_field(self, function: str, owner: str, field: Field) -> Iterator[Asked]:
        if _may_be_of(function, field):
            for options in _options(function, self._words.numbers, self._wants["descending"]):
                yield texts.by_field(function, field), Tally(function, owner, field, 0.0, options)

    def found(self, asked: Sequence[Asked], own: Mapping[str, float]) -> list[tuple[Tally, Evidence]]:
        """`own`: the scorer's number for each text."""
        best: dict[str, float] = {}
        for text, tally in asked:
            best[tally.function] = max(best.get(tally.function, own[text]), own[text])
        return [(tally, self._evidence(tally, own[text], best[tally.function])) for text, tally in asked]

    def _evidence(self, tally: Tally, own: float, best: float) -> Evidence:
        """`best`: the largest number of any field of the same function."""
        field, is_label = tally.field, bool(tally.field.labels) or tally.field.kind == "boolean"
        return {
            "own": own,
            "behind": own - best,
            "input": float(tally.owner.startswith(INPUTS)),
            "labels": float(is_label),
            "counts_free": float(tally.function in ("count", "group") and not is_label),
            "number": float(field.kind in NUMBERS),
            "named": float(self._words.says(field.words)),
            "owner": self._fields.owner_number(tally.owner),
        }


def _may_be_of(function: str, field: Field) -> bool:
    if function in NUMERIC:
        return _may_hold_numbers(field)
    return function != "top" or not (field.labels or field.kind == "boolean")


def _may_hold_numbers(field: Field) -> bool:
    """Whether the field may hold numbers; a short text may hold an amount, as on a receipt."""
    is_short = field.kind == "string" and field.bounded is not None and field.bounded <= AMOUNT
    return not field.labels and (field.kind in (*NUMBERS, "any") or is_short)


def _options(function: str, figures: Sequence[Number], descending: float) -> list[Options]:
    """The choices of other arguments for a function; `descending`: how likely the goal wants the largest first."""
    if function == "sort":
        return [(("descending", True),) if descending > 0.5 else ()]
    if function == "top":
        plain = [n.value for n in figures if isinstance(n.value, int) and n.operator is None]
        counts = [n for n in plain if 0 < n <= MOST_TOP]
        smallest = (("smallest", True),) if descending <= 0.5 else ()
        return [(("n", count), *smallest) for count in dict.fromkeys(counts or [1])][:COUNTS]
    return [()]
