"""The ladder: rungs are trained and measured from the cheapest on, until a costlier one cannot be worth it.

How a rung is measured is handed in, since engines host models and this does not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from specialists.bases.weights import WeightsError
from specialists.examples import Example
from specialists.measuring.facts import Rung as Row
from specialists.specialist import Specialist, load_specialist
from specialists.training.course import LOG, Pace, TrainingError
from specialists.training.ladder.choice import best_of, two_best, why_no_further, why_too_long
from specialists.training.ladder.clock import Clock
from specialists.training.ladder.folder import make_folder
from specialists.training.ladder.kept import Kept, run_of
from specialists.training.ladder.rung import RUNGS, Rung, fitting
from specialists.training.run import train_specialist

SEEDS = (7, 8)
BEHIND = 4  #: a run is given up in the middle that is so many half intervals behind the best rung


@dataclass(frozen=True)
class Score:
    """A rung, measured through the engine that serves it."""

    metric: str
    value: float
    interval: tuple[float, float]
    right: float
    jobs_per_s: float
    memory_mib: float


Measure = Callable[[Specialist, Sequence[Example]], Score]


@dataclass(frozen=True)
class Job:
    """What a ladder is climbed for."""

    specialist: Specialist
    examples: list[Example]
    dev: list[Example]
    data: str  #: the names of the files, for the card
    out: Path
    weights: Path
    threads: int | None
    minutes: float
    rungs: tuple[Rung, ...] = RUNGS


class Ladder:
    def __init__(self, job: Job, measure: Measure, say: Callable[[str], None]) -> None:
        self._job, self._measure, self._say = job, measure, say
        self._rungs = fitting(job.specialist, job.rungs)
        self._clock = Clock(job.minutes)
        self._kept = Kept.load(job.out, run_of(job.specialist, job.examples, job.dev, job.minutes))

    def climb(self) -> list[Row]:
        """A row for each rung, the cheapest first. It raises TrainingError if none could be trained."""
        for rung in self._rungs:
            if not (row := self._kept.row(rung.name)):
                self._put(row := self._tried(rung))
            else:
                self._clock.took(60 * row.minutes)
        if not any(row.scores for row in self._kept.rows):
            reasons = "; ".join(f"{row.name}: {row.left_out}" for row in self._kept.rows)
            raise TrainingError(f"no rung could be trained: {reasons}")
        for row in two_best(self._kept.rows):
            self._second(row)
        return list(self._kept.rows)

    def only(self, name: str) -> list[Row]:
        """The rows that are known, with that of rung `name`, which is trained if it was not."""
        row = self._kept.row(name)
        if row is None or not row.scores:
            self._put(self._trained(self.rung(name), self._budget_s(name)))
        return list(self._kept.rows)

    def rung(self, name: str) -> Rung:
        """Raises TrainingError."""
        found = next((rung for rung in self._rungs if rung.name == name), None)
        if found is None:
            raise TrainingError(
                f"no rung {name!r} for this output; there are: {', '.join(r.name for r in self._rungs)}"
            )
        return found

    def folder(self, row: Row) -> Path:
        return self._where(row.name, SEEDS[0]) / self._job.specialist.name

    def again_with_dev(self, row: Row) -> Path:
        """The folder of that rung, trained on the development examples too, for as many steps as were best."""
        rung, job = self.rung(row.name), self._job
        epochs = _best_epochs(self._where(rung.name, SEEDS[0]) / "run" / LOG, len(job.examples), rung)
        where = job.out / f"{rung.name}-with-dev"
        self._train(rung, where, [*job.examples, *job.dev], [], Pace(), epochs)
        return where / job.specialist.name

    # -- one rung --

    def _tried(self, rung: Rung) -> Row:
        if why := why_no_further(self._kept.rows, len(self._job.dev)):
            return Row(name=rung.name, left_out=why)
        budget_s = self._budget_s(rung.name)
        if not rung.is_fit and (why := why_too_long(self._clock.a_pass_s(rung), budget_s)):
            return Row(name=rung.name, left_out=why)
        try:
            return self._trained(rung, budget_s)
        except (WeightsError, TrainingError) as error:
            return Row(name=rung.name, left_out=str(error))

    def _trained(self, rung: Rung, budget_s: float) -> Row:
        began = time.monotonic()
        self._say(f"{rung.name}: at most {budget_s / 60:.1f} minutes")
        specialist = self._seeded(rung, SEEDS[0], budget_s)
        seconds = time.monotonic() - began
        found = self._measure(specialist, self._job.dev)
        self._clock.took(time.monotonic() - began)
        self._say(
            f"{rung.name}: {found.metric} {found.value:.1f}, {found.jobs_per_s:.0f} jobs/s, {seconds / 60:.1f} min"
        )
        return Row(
            name=rung.name, metric=found.metric, scores=(found.value,), interval=found.interval, right=found.right,
            jobs_per_s=found.jobs_per_s, memory_mib=found.memory_mib, minutes=round(seconds / 60, 2),
        )  # fmt: skip

    def _second(self, row: Row) -> None:
        """A second seed tells luck from gain."""
        rung = self.rung(row.name)
        if rung.is_fit or len(row.scores) >= len(SEEDS):
            return
        if not self._clock.left_for(row):
            self._say(f"{rung.name}: no time for a second seed")
            return
        began = time.monotonic()
        found = self._measure(self._seeded(rung, SEEDS[1], self._budget_s(rung.name)), self._job.dev)
        self._clock.took(time.monotonic() - began)
        self._say(f"{rung.name}: {found.metric} {found.value:.1f} with a second seed")
        self._put(row.model_copy(update={"scores": (*row.scores, found.value)}))

    def _seeded(self, rung: Rung, seed: int, budget_s: float) -> Specialist:
        job, where = self._job, self._where(rung.name, seed)
        pace = Pace(seed, None if rung.is_fit else budget_s, self._floor())
        a_pass_s = self._clock.a_pass_s(rung)
        epochs = None if rung.reads or a_pass_s is None else budget_s / a_pass_s
        specialist = self._train(rung, where, job.examples, job.dev, pace, epochs)
        if not rung.is_fit:
            line = json.loads((where / "run" / LOG).read_text("utf-8").splitlines()[-1])
            batch = rung.training(specialist.manifest.training).batch
            self._clock.learnt(rung, line["seconds"], (line["step"] + 1) * batch / len(job.examples))
        return specialist

    def _train(
        self, rung: Rung, where: Path, examples: list[Example], dev: list[Example], pace: Pace, epochs: float | None
    ) -> Specialist:
        """`epochs`: at most so many; None: those of the rung."""
        job = self._job
        folder = make_folder(job.specialist, rung, where)
        specialist = load_specialist(folder, adapters=False)
        recipe = rung.training(specialist.manifest.training)
        if epochs is not None:
            recipe = recipe.model_copy(update={"epochs": min(recipe.epochs, max(0.01, epochs))})
        train_specialist(
            specialist, examples, job.data, where / "run", recipe, count=None, start=None, base=None,
            weights=job.weights, threads=job.threads, install=True, say=self._say, dev=dev, pace=pace,
        )  # fmt: skip
        return load_specialist(folder)

    def _floor(self) -> float | None:
        tried = [row for row in self._kept.rows if row.scores]
        if not tried:
            return None
        right = best_of(tried).right / 100
        return 100 * (right - BEHIND * 1.96 * sqrt(right * (1 - right) / max(1, len(self._job.dev))))

    def _budget_s(self, name: str) -> float:
        if name not in self._kept.budgets_s:
            self._kept.budgets_s[name] = max(0.0, self._clock.budget_s())
            self._kept.save(self._job.out)
        return self._kept.budgets_s[name]

    def _where(self, name: str, seed: int) -> Path:
        return self._job.out / (name if seed == SEEDS[0] else f"{name}-seed{seed}")

    def _put(self, row: Row) -> None:
        self._kept.put(row)
        self._kept.save(self._job.out)


def _best_epochs(log: Path, examples: int, rung: Rung) -> float | None:
    """How often the examples had been gone through at the best look; None for a fit without steps."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    looks = [line for line in lines if "dev_exact" in line]
    if rung.is_fit or not looks:
        return None
    best = max(looks, key=lambda line: (line["dev_exact"], -line["dev_loss"]))
    return float((best["step"] + 1) * rung.recipe["batch"] / examples)
