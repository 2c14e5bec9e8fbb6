"""The audit by job, and counts over it. Judges nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from benchmarks.chaos.verdict.audit import Entry


class Evidence:
    """The audit by job."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.by_job: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.by_job[entry.job].append(entry)

    def ends(self, job_id: str) -> list[Entry]:
        return [entry for entry in self.by_job[job_id] if entry.what == "end"]

    def states(self) -> Counter[str]:
        """The number of ended jobs by state."""
        return Counter(entry.state for entries in self.by_job.values() for entry in entries if entry.what == "end")

    def shared(self) -> int:
        """How many jobs succeeded without a commit of their own, because another job's output answered them."""
        return sum(
            any(entry.state == "succeeded" for entry in entries) and all(entry.what != "commit" for entry in entries)
            for entries in self.by_job.values()
        )

    def attempts(self) -> Counter[int]:
        """Number of claims -> how many jobs had that many."""
        return Counter(sum(entry.what == "claim" for entry in entries) for entries in self.by_job.values())
