"""Outcomes on their way to the coordinators, in this process's memory. Knows no job and no run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from infra.ledger.unreadable import read_outcome
from infra.records import Outcome


class OutcomeLog:
    """Hands each outcome to one consumer, and then to another one if the first is silent for `idle_ms`."""

    def __init__(self, now_ms: Callable[[], int], idle_ms: int) -> None:
        self._now_ms = now_ms
        self._idle_ms = idle_ms
        self._new: deque[tuple[str, str]] = deque()  # (entry id, outcome) that no consumer has seen
        self._handed: dict[str, tuple[int, str]] = {}  # entry id -> (ms when handed out, outcome)
        self._added = 0

    def __len__(self) -> int:
        """The number of outcomes that are not acknowledged."""
        return len(self._new) + len(self._handed)

    @property
    def waiting(self) -> bool:
        return bool(self._new or self._abandoned(1))

    def add(self, outcome: str) -> None:
        self._added += 1
        self._new.append((f"{self._added}-0", outcome))

    def hand_out(self, limit: int) -> list[tuple[str, Outcome]]:
        entries = self._abandoned(limit) or [self._new.popleft() for _ in range(min(limit, len(self._new)))]
        for entry_id, outcome in entries:
            self._handed[entry_id] = (self._now_ms(), outcome)
        read = [(entry_id, read_outcome(outcome)) for entry_id, outcome in entries]
        self.acknowledge(entry_id for entry_id, outcome in read if outcome is None)
        return [(entry_id, outcome) for entry_id, outcome in read if outcome]

    def acknowledge(self, acks: Iterable[str]) -> None:
        for entry_id in acks:
            self._handed.pop(entry_id, None)

    def _abandoned(self, limit: int) -> list[tuple[str, str]]:
        before_ms = self._now_ms() - self._idle_ms
        old = ((entry_id, outcome) for entry_id, (handed_ms, outcome) in self._handed.items() if handed_ms <= before_ms)
        return list(islice(old, limit))
