"""The line that jobs of one type wait in, and how long that takes. Counts in jobs of the mean size; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from infra.records import Load, Priority, TypeState


@dataclass(frozen=True)
class Line:
    """What waits of a type, and by what weights tenants share it; 1 for one that `weights` does not name."""

    load: Load
    weights: Mapping[str, float]

    def before(self, tenant: str, priority: Priority, own: int = 0) -> int:
        """Jobs that are taken before a new one of the tenant which comes behind `own` others of its own.

        Those on the queue, all of higher classes, its own of its class; and of each other tenant there at most what
        its weight lets it have meanwhile. What ages into a higher class is not foreseen.
        """
        higher = sum(sum(self._ready(each).values()) for each in Priority if each.rank < priority.rank)
        own += self._ready(priority).get(tenant, 0)
        return self.load.sent + higher + own + self._others(tenant, priority, own)

    def of(self, tenant: str) -> int:
        """Its jobs that wait in the ledger."""
        return sum(self._ready(priority).get(tenant, 0) for priority in Priority)

    def until(self, tenant: str, own: int) -> int:
        """Jobs that have left the line when `own` of the tenant's have, or all of them."""
        left = 0
        for priority in Priority:
            ready = self._ready(priority)
            if own <= ready.get(tenant, 0):
                return left + own + self._others(tenant, priority, own - 1)
            left, own = left + sum(ready.values()), own - ready.get(tenant, 0)
        return left

    def per_s(self, tenant: str | None = None) -> float | None:
        """Jobs that leave the line in a second, or the tenant's among them; None: not known."""
        own = self.load.jobs if tenant is None else self.of(tenant)
        seconds = self.seconds(own if tenant is None else self.until(tenant, own))
        return own / seconds if seconds else None

    def seconds(self, jobs: float) -> float | None:
        """For so many to be done, if they are as large as those that wait; None: not known, as where none waits."""
        if jobs and not self.load.jobs:
            return None
        return self.token_seconds(jobs * self.load.tokens / self.load.jobs if jobs else 0)

    def runs_s(self) -> float | None:
        """For how long a job runs: as many as run now leave in that time. None: not known."""
        return self.seconds(self.load.running)

    def token_seconds(self, tokens: float) -> float | None:
        if not self.load.tokens_per_s or self.load.state is TypeState.PAUSED:
            return None
        return tokens / self.load.tokens_per_s

    def _ready(self, priority: Priority) -> Mapping[str, int]:
        return self.load.ready.get(priority, {})

    def _others(self, tenant: str, priority: Priority, own: int) -> int:
        """Of the other tenants of the class, what they have had when `own` of the tenant's were taken. Whoever draws
        level goes first: that is one job each."""
        weight = self._weight(tenant)
        others = {name: jobs for name, jobs in self._ready(priority).items() if name != tenant}
        return sum(min(jobs, floor(own * self._weight(name) / weight) + 1) for name, jobs in others.items())

    def _weight(self, tenant: str) -> float:
        return self.weights.get(tenant, 1.0)
