"""The time of a ladder: what it may take, what it has taken in earlier calls too, and what each rung gets of it."""

from __future__ import annotations

from specialists.measuring.facts import Rung as Row
from specialists.training.ladder.rung import Rung

RESERVED = 0.25  #: for the second seeds
PART = 0.5  #: a rung gets at most this part of what is left


class Clock:
    def __init__(self, minutes: float) -> None:
        self._left_s = 60 * minutes
        self._reserved_s = RESERVED * self._left_s
        self._a_pass: float | None = None  #: seconds of a pass over the examples, for a cost of 1

    def took(self, seconds: float) -> None:
        self._left_s -= seconds

    def learnt(self, rung: Rung, seconds: float, epochs: float) -> None:
        """A training of `rung` took so long for so many passes over the examples."""
        if epochs > 0 and rung.cost:
            self._a_pass = seconds / epochs / rung.cost

    def a_pass_s(self, rung: Rung) -> float | None:
        """How long one pass over the examples takes; None before any rung was trained."""
        return None if self._a_pass is None else self._a_pass * rung.cost

    def budget_s(self) -> float:
        """For the next rung."""
        return PART * (self._left_s - self._reserved_s)

    def left_for(self, row: Row) -> bool:
        """Whether a second seed of `row` fits into what is left of all time."""
        return self._left_s >= 60 * row.minutes
