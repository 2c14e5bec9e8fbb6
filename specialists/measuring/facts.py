"""Facts: what was found out about a specialist, kept beside it as `facts.json` for the report. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

FACTS = "facts.json"

Scores = dict[str, float]  #: metric -> percent


class FactsError(ValueError):
    """A `facts.json` that does not read; says which."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trained(_Record):
    base: str
    examples: int
    options: str
    minutes: float
    device: str
    date: str


class Coverage(_Record):
    coverage: float  #: percent of answers kept, the surest
    threshold: float  #: the confidence of the last of them
    right: float  #: percent of them that are exactly right


class Confidence(_Record):
    error_raw: float  #: expected calibration error of the model's own probability, in points
    error: float  #: of the calibrated one, by folds that were not fitted on
    coverage: tuple[Coverage, ...]


class Compared(_Record):
    """Somebody else on the same examples."""

    who: str
    metrics: Scores
    n: int
    valid_share: float = 100.0


class Cascade(_Record):
    """What comes of it with the fallback that the manifest names."""

    to: str
    below: float  #: the confidence
    share: float  #: percent of the jobs that the fallback was asked about
    metrics: Scores
    intervals: dict[str, tuple[float, float]]  #: 95 %, by the bootstrap
    jobs_per_s: float  #: one after the other on the same device


class Measured(_Record):
    data: str
    date: str
    n: int
    metrics: Scores
    intervals: dict[str, tuple[float, float]]  #: 95 %, by the bootstrap
    counts: dict[str, int] = {}  #: metric -> how many of the examples it is of; n where it is not said
    valid_share: float
    tokens_in: float  #: of a job
    tokens_out: float
    jobs_per_s: float
    device: str
    confidence: Confidence | None = None
    compared: tuple[Compared, ...] = ()
    cascade: Cascade | None = None


#: Of a budget's run, optimiser steps at least, or steps are measured in place of examples: with 60, triage learnt no
#: more from 1,000 examples (42.6 right) than from 300 (45.8), and from 3,000 in 188 steps 79.6 (2026-11-28).
LEAST_STEPS, BATCH = 300, 16


class Budget(_Record):
    """A point of the curve: how well an adapter does that saw so few examples."""

    examples: int
    minutes: float
    metrics: Scores


class Facts(_Record):
    trained: Trained | None = None
    measured: Measured | None = None
    budgets: tuple[Budget, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Of the specialist in `folder`; empty ones where nothing was found out yet. Raises FactsError."""
        path = folder / FACTS
        if not path.exists():
            return cls()
        try:
            return cls.model_validate_json(path.read_text("utf-8"))
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise FactsError(f"{folder.name}/{FACTS}: {faults}") from None

    def save(self, folder: Path) -> None:
        (folder / FACTS).write_text(self.model_dump_json(indent=1) + "\n", "utf-8")

    @property
    def ships(self) -> Budget | None:
        """The adapter that ships, as a point of the curve."""
        if not self.trained or not self.measured:
            return None
        return Budget(examples=self.trained.examples, minutes=self.trained.minutes, metrics=self.measured.metrics)

    @property
    def curve(self) -> tuple[Budget, ...]:
        """Points by examples, the adapter that ships in its place; none where there are no others."""
        ships = self.ships
        if not self.budgets or not ships:
            return self.budgets
        return _by_examples([*(each for each in self.budgets if each.examples != ships.examples), ships])

    def enough_for(self, share: float) -> Budget | None:
        """The point of the curve with the fewest examples whose scores, each of them, are at least `share` of those of
        the adapter that ships; None where no curve was drawn."""
        ships = self.ships
        if not self.budgets or not ships:
            return None
        return next(
            each
            for each in self.curve
            if all(each.metrics.get(name, 0.0) >= share * value for name, value in ships.metrics.items())
        )

    def with_training(self, trained: Trained) -> Self:
        """What an earlier adapter was measured at does not carry over, nor a curve of another base."""
        same = self.trained is None or self.trained.base == trained.base
        budgets = self.budgets if same else ()
        return self.model_copy(update={"trained": trained, "measured": None, "budgets": budgets})

    def with_measure(self, measured: Measured) -> Self:
        """Those compared earlier on the same examples stay, unless they were compared anew."""
        earlier = self.measured
        same = earlier is not None and (earlier.data, earlier.n) == (measured.data, measured.n)
        kept = list(earlier.compared) if earlier and same else []
        names = {each.who for each in measured.compared}
        compared = (*(each for each in kept if each.who not in names), *measured.compared)
        return self.model_copy(update={"measured": measured.model_copy(update={"compared": compared})})

    def with_compared(self, other: Compared, data: str) -> Self:
        """Beside what was measured on the same `data`; nothing beside other data."""
        if self.measured is None or self.measured.data != data:
            return self
        others = [each for each in self.measured.compared if each.who != other.who]
        return self.model_copy(update={"measured": self.measured.model_copy(update={"compared": (*others, other)})})

    def with_cascade(self, cascade: Cascade) -> Self:
        """Of what was measured; nothing of nothing."""
        measured = self.measured.model_copy(update={"cascade": cascade}) if self.measured else None
        return self.model_copy(update={"measured": measured})

    def with_budget(self, budget: Budget) -> Self:
        others = [each for each in self.budgets if each.examples != budget.examples]
        return self.model_copy(update={"budgets": _by_examples([*others, budget])})


def _by_examples(budgets: Iterable[Budget]) -> tuple[Budget, ...]:
    return tuple(sorted(budgets, key=lambda each: each.examples))
