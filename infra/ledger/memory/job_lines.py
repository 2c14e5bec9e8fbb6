"""Where the unfinished jobs of one type are: in line by class and tenant, on the queue, or running. Ends no job."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator

from infra.ledger.memory.job_entry import Entry
from infra.ledger.memory.pace import Pace
from infra.records import Load, Priority, TypeState

#: A job on the queue cannot be overtaken. So if the speed of a type is known, its queue holds this much work at most.
AHEAD_S = 2
SMALLEST_WINDOW = 16

#: When a job was put on the queue: ms, and its place in the batch that it was part of.
Sent = tuple[int, int]


class ClassLine:
    """The ready jobs of one type and class. Its tenants take turns, so that each gets its share of the tokens."""

    def __init__(self) -> None:
        self._waiting: dict[str, OrderedDict[str, Entry]] = {}
        self._turns: dict[str, float] = {}  # tenant -> tokens divided by weight; the tenant with the least is next
        self._clock = 0.0  # the turn of the tenant that was served last; no tenant begins before it

    def join(self, entry: Entry, first: bool) -> None:
        tenant = entry.job.tenant
        self._turns.setdefault(tenant, self._clock)
        line = self._waiting.setdefault(tenant, OrderedDict())
        line[entry.id] = entry
        line.move_to_end(entry.id, last=not first)

    def leave(self, entry: Entry) -> None:
        line = self._waiting.get(entry.job.tenant, OrderedDict())
        if line.pop(entry.id, None) and not line:
            del self._waiting[entry.job.tenant]

    def next(self) -> Entry | None:
        """The foremost job of the tenant whose turn it is.

        A tenant with nothing waiting keeps its turn until it would be next, so nobody gains by leaving and coming back.
        """
        while self._turns:
            _, tenant = min((turn, tenant) for tenant, turn in self._turns.items())
            if tenant in self._waiting:
                return next(iter(self._waiting[tenant].values()))
            del self._turns[tenant]
        return None

    def charge(self, entry: Entry, weight: float) -> None:
        self._clock = self._turns[entry.job.tenant]
        entry.share = entry.job.tokens / weight
        self._turns[entry.job.tenant] += entry.share

    def refund(self, entry: Entry) -> None:
        """Undo its charge, if it was charged since it was last in a line."""
        self._turns.setdefault(entry.job.tenant, self._clock)
        self._turns[entry.job.tenant] -= entry.share
        entry.share = 0.0

    def counts(self) -> dict[str, int]:
        return {tenant: len(line) for tenant, line in self._waiting.items()}

    def foremost(self) -> Iterator[Entry]:
        return (next(iter(line.values())) for line in self._waiting.values())

    def __iter__(self) -> Iterator[Entry]:
        return (entry for line in self._waiting.values() for entry in line.values())

    def __bool__(self) -> bool:
        return bool(self._waiting)


class Line:
    """Where the unfinished jobs of one type are."""

    def __init__(self) -> None:
        self.pending: set[str] = set()
        self.sent: dict[str, Sent] = {}
        self.running: dict[str, int] = {}  #: id -> ms at which its lease runs out
        self.refill_at: int | None = None  #: the number of sent jobs to refill at; None: the window took all ready jobs
        self.passed: tuple[Sent, int] | None = None  #: when the last claimed job was sent, and when it was claimed
        self.pace = Pace()
        self._classes = {priority: ClassLine() for priority in Priority}
        self._on_queue: dict[str, Entry] = {}

    @property
    def waits(self) -> bool:
        """Whether a free worker could claim a job of this line."""
        return bool(self.sent) or any(self._classes.values())

    @property
    def ready(self) -> int:
        return sum(sum(line.counts().values()) for line in self._classes.values())

    def join(self, entry: Entry, first: bool = False) -> None:
        self._classes[entry.job.priority].join(entry, first)

    def send(self, entry: Entry, sent: Sent) -> None:
        self.sent[entry.id], self._on_queue[entry.id] = sent, entry

    def leave(self, entry: Entry) -> None:
        self._classes[entry.job.priority].leave(entry)
        self.pending.discard(entry.id)
        self.sent.pop(entry.id, None)
        self._on_queue.pop(entry.id, None)
        self.running.pop(entry.id, None)

    def refills(self) -> bool:
        """True once, when half of a full window has been taken off the queue."""
        if self.refill_at is None or len(self.sent) > self.refill_at:
            return False
        self.refill_at = None
        return True

    def next(self, window: int, now_ms: int, ageing_s: float) -> Entry | None:
        """The job to put on the queue next; None if no job waits or the window is full."""
        window = self._window(window, now_ms)
        self.refill_at = None
        if len(self.sent) >= window:
            self.refill_at = window // 2 if any(self._classes.values()) else None
            return None
        firsts = [entry for line in self._classes.values() if (entry := line.next())]
        return min(firsts, key=lambda entry: _rank(entry, now_ms, 1000 * ageing_s), default=None)

    def charge(self, entry: Entry, weight: float) -> None:
        self._classes[entry.job.priority].charge(entry, weight)

    def refund(self, entry: Entry) -> None:
        self._classes[entry.job.priority].refund(entry)

    def silent(self, now_ms: int, silent_ms: int) -> list[Entry]:
        """Jobs not claimed for `silent_ms`. While the line moves, a job sent after the last claimed one only waits."""
        before = now_ms - silent_ms + 1, 0
        if self.passed and self.passed[1] >= before[0]:
            before = min(before, self.passed[0])
        return [self._on_queue[job_id] for job_id, sent in self.sent.items() if sent < before]

    def depths(self, now_ms: int) -> dict[str, int]:
        waiting = [*self._on_queue.values(), *(entry for line in self._classes.values() for entry in line.foremost())]
        return {
            "pending": len(self.pending),
            "ready": self.ready,
            "sent": len(self.sent),
            "running": len(self.running),
            "oldest_ms": now_ms - min((entry.since_ms for entry in waiting), default=now_ms),
        }

    def load(self, state: TypeState, now_ms: int) -> Load:
        waiting = [*self._on_queue.values(), *(entry for line in self._classes.values() for entry in line)]
        return Load(
            state=state,
            ready={priority: line.counts() for priority, line in self._classes.items() if line},
            sent=len(self.sent),
            running=len(self.running),
            pending=len(self.pending),
            tokens=sum(entry.job.tokens for entry in waiting),
            tokens_per_s=self.pace.tokens_per_s(now_ms),
        )

    def _window(self, most: int, now_ms: int) -> int:
        jobs_per_s = self.pace.jobs_per_s(now_ms)
        return most if jobs_per_s is None else min(most, max(SMALLEST_WINDOW, math.ceil(AHEAD_S * jobs_per_s)))


def _rank(entry: Entry, now_ms: int, ageing_ms: float) -> tuple[float, int]:
    """The job with the lowest rank is served first. It rises by a class for each `ageing_ms` that it has been ready."""
    rank = entry.job.priority.rank
    return rank - (now_ms - entry.since_ms) / ageing_ms, rank
