"""A backlog: the jobs of one type that wait, and for how long. Takes all jobs to be of mean size; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from infra.records import Load, Priority, TypeState


@dataclass(frozen=True)
class Backlog:
    """The jobs of a type that wait, and the weights by which tenants share it.

    A tenant that `weights` does not name has the weight 1.
    """

    load: Load
    weights: Mapping[str, float]

    def before(self, tenant: str, priority: Priority, own: int = 0) -> int:
        """The number of jobs taken before a new one of the tenant, which comes behind `own` other new ones of its own.

        They are the jobs on the queue, all jobs of higher classes, and the tenant's own jobs of the class. Each other
        tenant of the class adds at most the share that its weight gives it meanwhile. Ageing into a higher class is not
        foreseen.
        """
        higher = sum(sum(self._ready(each).values()) for each in Priority if each.rank < priority.rank)
        own += self._ready(priority).get(tenant, 0)
        return self.load.sent + higher + own + self._others(tenant, priority, own)

    def of(self, tenant: str) -> int:
        """The number of the tenant's jobs that wait in the ledger."""
        return sum(self._ready(priority).get(tenant, 0) for priority in Priority)

    def until(self, tenant: str, own: int) -> int:
        """The number of jobs that have left the backlog when `own` of the tenant's jobs, or all of them, have left."""
        left = 0
        for priority in Priority:
            ready = self._ready(priority)
            if own <= ready.get(tenant, 0):
                return left + own + self._others(tenant, priority, own - 1)
            left, own = left + sum(ready.values()), own - ready.get(tenant, 0)
        return left

    def per_s(self, tenant: str | None = None) -> float | None:
        """Jobs, or only the tenant's jobs, that leave the backlog in a second; None if it is not known."""
        own = self.load.jobs if tenant is None else self.of(tenant)
        seconds = self.seconds(own if tenant is None else self.until(tenant, own))
        return own / seconds if seconds else None

    def seconds(self, jobs: float) -> float | None:
        """Seconds in which `jobs` jobs of the waiting jobs' size are done; None if not known, as when none waits."""
        if jobs and not self.load.jobs:
            return None
        return self.token_seconds(jobs * self.load.tokens / self.load.jobs if jobs else 0)

    def runs_s(self) -> float | None:
        """How many seconds a job runs: the time in which the number of jobs ends that run now. None if not known."""
        return self.seconds(self.load.running)

    def token_seconds(self, tokens: float) -> float | None:
        if not self.load.tokens_per_s or self.load.state is TypeState.PAUSED:
            return None
        return tokens / self.load.tokens_per_s

    def _ready(self, priority: Priority) -> Mapping[str, int]:
        return self.load.ready.get(priority, {})

    def _others(self, tenant: str, priority: Priority, own: int) -> int:
        """The number of other tenants' jobs in the class that are taken before `own` of the tenant's are.

        Another tenant that draws level goes first, which is one more job for each."""
        weight = self._weight(tenant)
        others = {name: jobs for name, jobs in self._ready(priority).items() if name != tenant}
        return sum(min(jobs, floor(own * self._weight(name) / weight) + 1) for name, jobs in others.items())

    def _weight(self, tenant: str) -> float:
        return self.weights.get(tenant, 1.0)
