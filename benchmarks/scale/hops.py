"""Hops of an idle cluster: how long a job waits, apart from its engine. One goal of instant jobs runs at a time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.scale.cluster import STAMP, Cluster
from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from coordinator.runs.run import Run
from specialists.catalog import load_catalog

STEPS = 5  #: steps of each goal, one after the other
WAIT_S = 60.0


@dataclass
class Hops:
    """Milliseconds from one moment to the next."""

    submit_to_start: list[float] = field(default_factory=list)  #: `accept` called -> the first job's function runs
    step_to_step: list[float] = field(default_factory=list)  #: one function has answered -> the next step's runs
    answer_to_end: list[float] = field(default_factory=list)  #: the last has answered -> a waiter has the ended run

    def rows(self) -> list[tuple[str, float, float]]:
        """(name, median, 99th percentile) of each hop."""
        kinds = (
            ("submit -> first job starts", self.submit_to_start),
            ("answer -> next step's job starts", self.step_to_step),
            ("answer -> a waiter sees the run ended", self.answer_to_end),
        )
        return [(name, statistics.median(times), percentile(times, 99)) for name, times in kinds]


def measure_hops(cluster: Cluster, goals: int) -> Hops:
    """Measure the hops. The cluster needs a worker for `stamp`, and one coordinator."""
    takes = Goals(cluster.ledger, load_catalog(cluster.settings.specialists, adapters=False), cluster.settings)
    hops = Hops()
    for n in range(goals + 1):
        submitted_s = time.time()
        run = takes.wait(takes.accept(Goal(plan=chain(), inputs={"begin": 0})).id, WAIT_S)
        seen_s = time.time()
        if n:  # the first goal warms up
            _add(hops, submitted_s, _stamps(cluster, run), seen_s)
    return hops


def chain() -> dict[str, object]:
    """A plan whose steps each wait for the one before; each step's function returns the time at which it ran."""
    steps = [
        {"id": f"s{n}", "type": STAMP, "args": {"after": {"$ref": f"s{n - 1}.at" if n else "inputs.begin"}}}
        for n in range(STEPS)
    ]
    return {"steps": steps}


def _stamps(cluster: Cluster, run: Run) -> list[float]:
    if run.failure or not run.state.ended:
        raise RuntimeError(f"a goal of the hops did not succeed: {run.failure or run.state}")
    return [cluster.ledger.results(run.id, f"s{n}")[0]["at"] for n in range(STEPS)]


def _add(hops: Hops, submitted_s: float, stamps: Sequence[float], seen_s: float) -> None:
    hops.submit_to_start.append(1000 * (stamps[0] - submitted_s))
    hops.step_to_step += [1000 * (later - sooner) for sooner, later in pairwise(stamps)]
    hops.answer_to_end.append(1000 * (seen_s - stamps[-1]))


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
