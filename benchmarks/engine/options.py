"""What `benchmarks.engine.run` was asked to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.workload import Workload, load_workload


@dataclass(frozen=True)
class Options:
    workloads: tuple[str, ...] = ("triage", "command", "entities", "receipt")
    jobs: dict[str, int] | None = None  #: of a round of ours; None: JOBS
    pairs: int = 3
    slots: int = 64
    data: Path | None = None  #: a folder with <workload>/dev.jsonl.gz; None: each specialist's own examples, repeated
    price_per_hour: float | None = None  #: of this machine

    def workload(self, name: str, rounds: int | None = None) -> Workload:
        """With examples for so many rounds; None: as many as there are pairs."""
        return load_workload(name, (self.jobs or JOBS).get(name, LEAST_JOBS), rounds or self.pairs, self.data)


#: About five to ten seconds of ours each, on two cores.
JOBS = {"triage": 512, "command": 160, "entities": 192, "receipt": 32}
LEAST_JOBS = 64
