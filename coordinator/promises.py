"""Promises: who was told to come back, and when. Kept in this process: another tells its own callers its own times."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

#: Promises that are due in the same fraction of a second are kept as one.
PER_S = 4
#: For so long after it is due a promise to who gave a name holds: they may be a little late. Without a name there is no
#: telling whether they have come.
GRACE_S = 3.0

Key = tuple[str, str | None]  #: a job type, and the tenant whose own bound it was about


@dataclass
class _Due:
    nameless: int = 0  #: jobs
    jobs: int = 0  #: of those in `named`
    named: dict[str, int] = field(default_factory=dict)  #: name -> jobs


class Promises:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._made: defaultdict[Key, _Made] = defaultdict(_Made)

    def make(self, key: Key, name: str | None, jobs: int, due_s: float) -> None:
        self._made[key].add(name, jobs, int(due_s * PER_S))

    def redeem(self, key: Key, name: str | None) -> float:
        """Take back the promise to `name`, who is here; returns when it was due. Infinity: there was none."""
        due = self._made[key].remove(name) if name and key in self._made else None
        return inf if due is None else due / PER_S

    def before(self, key: Key, due_s: float, now_s: float) -> int:
        """Jobs that were told to come back before `due_s`, and have not."""
        return sum(jobs for _, jobs in self._open(key, due_s, now_s))

    def places(self, key: Key, due_s: float, now_s: float, per_s: float) -> float:
        """What these need of the room that there is now, where `per_s` jobs a second make more of it."""
        most, jobs = 0.0, 0
        for due, more in self._open(key, due_s, now_s):
            jobs += more
            most = max(most, jobs - per_s * max(0.0, due - now_s))
        return most

    def _open(self, key: Key, due_s: float, now_s: float) -> Iterator[tuple[float, int]]:
        """(when due, jobs), the first due first."""
        if key not in self._made:
            return
        made = self._made[key]
        made.forget(int((now_s - GRACE_S) * PER_S))
        if not made.order:
            del self._made[key]
        for due in made.order:
            if due / PER_S >= due_s:
                return
            found = made.due[due]
            yield due / PER_S, found.jobs + (found.nameless if due / PER_S > now_s else 0)


class _Made:
    def __init__(self) -> None:
        self.order: list[int] = []  #: the keys of `due`
        self.due: dict[int, _Due] = {}
        self._named: dict[str, int] = {}  #: name -> when due

    def add(self, name: str | None, jobs: int, due: int) -> None:
        if due not in self.due:
            insort(self.order, due)
            self.due[due] = _Due()
        if name:
            self.due[due].jobs += jobs
            self.due[due].named[name] = jobs
            self._named[name] = due
        else:
            self.due[due].nameless += jobs

    def remove(self, name: str) -> int | None:
        due = self._named.pop(name, None)
        if due is not None:
            self.due[due].jobs -= self.due[due].named.pop(name)
        return due

    def forget(self, until: int) -> None:
        late = bisect_left(self.order, until)
        for due in self.order[:late]:
            for name in self.due.pop(due).named:
                del self._named[name]
        del self.order[:late]
