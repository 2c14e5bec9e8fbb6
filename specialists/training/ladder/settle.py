"""The end of a ladder: a rung is picked and installed, and card and facts show the whole table. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from specialists.examples import Example
from specialists.measuring.baselines import BaselineError, fit_baselines
from specialists.measuring.card import add_ladder
from specialists.measuring.facts import Facts
from specialists.measuring.facts import Rung as Row
from specialists.measuring.metrics import score
from specialists.specialist import ADAPTER
from specialists.training.ladder.choice import pick, warning
from specialists.training.ladder.climb import Job, Ladder, Measure
from specialists.training.ladder.folder import install
from specialists.training.linear.labelling import fit_labels

LINEAR_RUNG = "linear"


@dataclass(frozen=True)
class Settled:
    rows: list[Row]
    adapter: Path
    warning: str | None  #: what is to be said in red


def climb_and_install(
    job: Job,
    measure: Measure,
    say: Callable[[str], None],
    *,
    picked: str | None,
    with_dev: bool,
    installs: bool,
) -> Settled:
    """`picked`: the rung to install; None leaves the choice to the table. It raises TrainingError."""
    ladder = Ladder(job, measure, say)
    rows = ladder.only(picked) if picked else ladder.climb()
    chosen = next(row for row in rows if row.name == picked) if picked else pick(rows)
    rows = [row.model_copy(update={"picked": row.name == chosen.name}) for row in rows]
    said = warning(rows, _simple(rows, job))
    folder = ladder.again_with_dev(chosen) if with_dev else ladder.folder(chosen)
    facts = Facts.load(folder)
    facts.model_copy(update={"ladder": tuple(rows)}).save(folder)
    add_ladder(folder, rows, len(job.dev), said)
    if not installs:
        return Settled(rows, folder / ADAPTER, said)
    install(folder, job.specialist.folder)
    return Settled(rows, job.specialist.folder / ADAPTER, said)


def _simple(rows: Sequence[Row], job: Job) -> Row | None:
    """The best simple method: words and letters weighed, where answers are labels; elsewhere the nearest example."""
    if linear := next((row for row in rows if row.name == LINEAR_RUNG and row.scores), None):
        return linear
    metric = next(row.metric for row in rows if row.scores)
    try:
        found = _scored(job.examples, job)
    except BaselineError:
        return None
    return max((Row(name=name, scores=(by[metric],)) for name, by in found.items()), key=lambda row: row.score)


def _scored(training: list[Example], job: Job) -> dict[str, dict[str, float]]:
    inputs, rules = [each.input for each in job.dev], job.specialist.manifest.measure
    return {name: score(job.dev, ask(inputs), rules) for name, ask in fit_baselines(training, fit_labels).items()}
