"""Promises: the jobs that were told to come back, and when. Knows no other process, which makes its own promises.

Only a caller that gave a name is promised anything: without a name nothing tells whether a caller has come back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from coordinator.admission.decide import NOTHING, Bounds, Promised

#: Promises that are due in the same fraction of a second are kept as one.
PER_S = 4
#: How long a promise holds after it is due, as its caller may be a little late.
GRACE_S = 3.0
#: How often promises are swept that nobody asks about any more.
SWEEP_S = 60.0
#: The most jobs that are promised under one key. It is not bounded by the type's backlog: with that bound, 32 % of the
#: promises came true at three times the capacity of a short backlog, and without it all did (2 cores, 2026-11).
MOST = 100_000

Key = tuple[str, str | None]  #: a job type, and a tenant if the promise is about the tenant's own bound


@dataclass(frozen=True)
class Promise:
    name: str
    tenant: str
    jobs: int
    due_s: float

    @property
    def due(self) -> int:
        return int(self.due_s * PER_S)


class Promises:
    """All promises of this process. It is not for several threads at once."""

    def __init__(self) -> None:
        self._made: dict[Key, _Made] = {}
        self._sweep_s = -inf  #: when to sweep next

    def __len__(self) -> int:
        return sum(len(made.named) for made in self._made.values())

    def make(self, key: Key, promise: Promise, bounds: Bounds, now_s: float) -> None:
        """Keep a promise, unless its tenant's promised jobs would pass the tenant's bound, or all of them `MOST`."""
        if now_s >= self._sweep_s:
            self._sweep_s = now_s + SWEEP_S
            for each in list(self._made):
                self._forget(each, now_s)
        self._made.setdefault(key, _Made()).add(promise, bounds)

    def redeem(self, key: Key, name: str | None) -> float:
        """Take back the promise to `name`, whose caller is here. Returns when it was due, or infinity without one."""
        promise = self._made[key].remove(name) if name and key in self._made else None
        return promise.due / PER_S if promise else inf

    def before(self, key: Key, due_s: float, now_s: float, per_s: float | None) -> Promised:
        """The jobs that were told to come back before `due_s` and have not.

        `per_s`: jobs that leave the backlog in a second. The capacity that will not have become free when they are due
        is reserved now. A promise that is due later than `GRACE_S` from now reserves none yet, and none does if the
        speed is not known.
        """
        self._forget(key, now_s)
        jobs, reserved = 0, 0.0
        for due, more in self._made[key].until(due_s) if key in self._made else ():
            jobs += more
            if per_s and due <= now_s + GRACE_S:
                reserved = max(reserved, jobs - per_s * max(0.0, due - now_s))
        return Promised(jobs, reserved) if jobs else NOTHING

    def _forget(self, key: Key, now_s: float) -> None:
        if key in self._made:
            self._made[key].forget(int((now_s - GRACE_S) * PER_S))
            if not self._made[key].named:
                del self._made[key]


@dataclass
class _Due:
    jobs: int = 0
    names: set[str] = field(default_factory=set)


class _Made:
    """The promises under one key."""

    def __init__(self) -> None:
        self.named: dict[str, Promise] = {}
        self._due: dict[int, _Due] = {}
        self._jobs = 0
        self._of: Counter[str] = Counter()  #: tenant -> jobs

    def add(self, promise: Promise, bounds: Bounds) -> None:
        self.remove(promise.name)
        total, own = self._jobs + promise.jobs, self._of[promise.tenant] + promise.jobs
        if total > MOST or own > bounds.tenant_backlog:
            return
        self.named[promise.name] = promise
        self._due.setdefault(promise.due, _Due()).names.add(promise.name)
        self._count(promise, promise.jobs)

    def remove(self, name: str) -> Promise | None:
        promise = self.named.pop(name, None)
        if promise:
            self._due[promise.due].names.remove(name)
            self._count(promise, -promise.jobs)
        return promise

    def _count(self, promise: Promise, jobs: int) -> None:
        self._jobs += jobs
        self._of[promise.tenant] += jobs
        self._due[promise.due].jobs += jobs
        if not self._of[promise.tenant]:
            del self._of[promise.tenant]
        if not self._due[promise.due].names:
            del self._due[promise.due]

    def until(self, due_s: float) -> Iterator[tuple[float, int]]:
        """(when due, number of jobs) of the promises that are due before `due_s`, in order of time."""
        for due in sorted(self._due):
            if due / PER_S < due_s:
                yield due / PER_S, self._due[due].jobs

    def forget(self, until: int) -> None:
        for due in [due for due in self._due if due < until]:
            for name in list(self._due[due].names):
                self.remove(name)
