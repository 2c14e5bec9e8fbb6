"""The options of `benchmarks.engine.run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.workload import Workload, load_workload


@dataclass(frozen=True)
class Options:
    workloads: tuple[str, ...] = ("triage", "command", "entities", "receipt")
    jobs: dict[str, int] | None = None  #: jobs of one of our rounds, by workload; None takes `JOBS`
    pairs: int = 3
    slots: int = 64
    #: A folder with <workload>/dev.jsonl.gz; None takes each specialist's own examples, repeated.
    data: Path | None = None
    price_per_hour: float | None = None  #: price of this machine

    def workload(self, name: str, rounds: int | None = None) -> Workload:
        """Load a workload with examples for `rounds` rounds; None takes as many as there are pairs."""
        return load_workload(name, (self.jobs or JOBS).get(name, LEAST_JOBS), rounds or self.pairs, self.data)


#: Each takes us about five to ten seconds on two cores.
JOBS = {"triage": 512, "command": 160, "entities": 192, "receipt": 32}
LEAST_JOBS = 64
