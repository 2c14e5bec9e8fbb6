"""Facts: the findings about a specialist, kept beside it as `facts.json` for the report. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

FACTS = "facts.json"

Scores = dict[str, float]  #: metric -> percent


class FactsError(ValueError):
    """A `facts.json` cannot be read; the message names it."""


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
    coverage: float  #: percent of answers kept, the surest ones
    threshold: float  #: the confidence of the least sure answer kept
    right: float  #: percent of the kept answers that are exactly right


class Confidence(_Record):
    error_raw: float  #: expected calibration error of the model's own probability, in points
    error: float  #: the error of the calibrated confidence, over folds that it was not fitted on
    coverage: tuple[Coverage, ...]


class Compared(_Record):
    """The scores of a baseline or another model on the same examples."""

    who: str
    metrics: Scores
    n: int
    valid_share: float = 100.0


class WithFallback(_Record):
    """The scores of the specialist together with the fallback that the manifest names."""

    to: str
    below: float  #: the confidence below which the fallback is asked
    share: float  #: percent of the jobs that the fallback was asked about
    metrics: Scores
    intervals: dict[str, tuple[float, float]]  #: 95 %, by the bootstrap
    jobs_per_s: float  #: jobs one after the other on the same device


class Measured(_Record):
    data: str
    date: str
    n: int
    metrics: Scores
    intervals: dict[str, tuple[float, float]]  #: 95 %, by the bootstrap
    counts: dict[str, int] = {}  #: metric -> how many of the examples it counts; n if it is absent
    valid_share: float
    tokens_in: float  #: tokens of one job
    tokens_out: float
    jobs_per_s: float
    device: str
    confidence: Confidence | None = None
    compared: tuple[Compared, ...] = ()
    with_fallback: WithFallback | None = None


#: The fewest optimiser steps of a budget's run; with fewer, steps are measured and not examples. With 60 steps, triage
#: learnt no more from 1,000 examples (42.6 right) than from 300 (45.8); from 3,000 in 188 steps it reached 79.6
#: (2026-11-28).
LEAST_STEPS, BATCH = 300, 16


class Budget(_Record):
    """A point of the curve: the scores of an adapter that saw only that many examples."""

    examples: int
    minutes: float
    metrics: Scores


class Rung(_Record):
    """A model that the ladder tried for the job, or why it did not."""

    name: str
    metric: str = ""  #: the main one
    scores: tuple[float, ...] = ()  #: in percent, on the development examples, one for each seed
    interval: tuple[float, float] = (0.0, 0.0)  #: 95 %, by the bootstrap, of the first seed
    right: float = 0.0  #: percent of the answers that are exactly right
    jobs_per_s: float = 0.0  #: through the engine, on the machine that trained, with whatever else ran there
    memory_mib: float = 0.0  #: as a worker reckons it before it loads
    minutes: float = 0.0  #: of training, the first seed
    left_out: str | None = None  #: why it was not tried
    picked: bool = False

    @property
    def score(self) -> float:
        """The mean over the seeds."""
        return sum(self.scores) / len(self.scores) if self.scores else 0.0


class Facts(_Record):
    trained: Trained | None = None
    measured: Measured | None = None
    budgets: tuple[Budget, ...] = ()
    ladder: tuple[Rung, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the facts of the specialist in `folder`; they are empty if there are none yet. It raises FactsError."""
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
        """The points by number of examples, the shipped adapter among them; empty if no other point was measured."""
        ships = self.ships
        if not self.budgets or not ships:
            return self.budgets
        return _by_examples([*(each for each in self.budgets if each.examples != ships.examples), ships])

    def enough_for(self, share: float) -> Budget | None:
        """The point of the curve with the fewest examples all of whose scores are at least `share` of the shipped
        adapter's; None if no curve was measured.
        """
        ships = self.ships
        if not self.budgets or not ships:
            return None
        return next(
            each
            for each in self.curve
            if all(each.metrics.get(name, 0.0) >= share * value for name, value in ships.metrics.items())
        )

    def with_training(self, trained: Trained) -> Self:
        """Replace the training. Scores of an earlier adapter do not carry over, nor does a curve of another base."""
        same = self.trained is None or self.trained.base == trained.base
        budgets = self.budgets if same else ()
        return self.model_copy(update={"trained": trained, "measured": None, "budgets": budgets})

    def with_measure(self, measured: Measured) -> Self:
        """Replace the scores. Earlier comparisons on the same examples stay, unless they were made anew."""
        earlier = self.measured
        same = earlier is not None and (earlier.data, earlier.n) == (measured.data, measured.n)
        kept = list(earlier.compared) if earlier and same else []
        names = {each.who for each in measured.compared}
        compared = (*(each for each in kept if each.who not in names), *measured.compared)
        return self.model_copy(update={"measured": measured.model_copy(update={"compared": compared})})

    def with_compared(self, other: Compared, data: str) -> Self:
        """These facts, with other methods' scores beside the specialist's, if both are of the same `data`."""
        if self.measured is None or self.measured.data != data:
            return self
        others = [each for each in self.measured.compared if each.who != other.who]
        return self.model_copy(update={"measured": self.measured.model_copy(update={"compared": (*others, other)})})

    def with_fallback(self, with_fallback: WithFallback) -> Self:
        """Add the with_fallback to the scores; without scores change nothing."""
        measured = self.measured.model_copy(update={"with_fallback": with_fallback}) if self.measured else None
        return self.model_copy(update={"measured": measured})

    def with_budget(self, budget: Budget) -> Self:
        others = [each for each in self.budgets if each.examples != budget.examples]
        return self.model_copy(update={"budgets": _by_examples([*others, budget])})


def _by_examples(budgets: Iterable[Budget]) -> tuple[Budget, ...]:
    return tuple(sorted(budgets, key=lambda each: each.examples))
