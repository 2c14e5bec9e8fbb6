"""What the parts of the ledger in memory share: the tables, and the lock that guards them. Knows no rule.

It keeps everything but dead letters until the process ends.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.access import ApiKey, Quota
from infra.ledger.memory.job_rules import JobRules
from infra.ledger.memory.job_table import JobTable
from infra.ledger.memory.outcome_log import OutcomeLog
from infra.ledger.memory.run_table import RunTable

if TYPE_CHECKING:
    from limits.storage import MemoryStorage

WEEK_S = 7 * 24 * 3600


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryStore:
    def __init__(self, *, now_ms: Callable[[], int] = wall_ms, retention_s: int = WEEK_S, idle_ms: int = 5_000) -> None:
        """`now_ms` decides leases and deadlines; waiting is always in real time."""
        self._now_ms = now_ms
        self._retention_ms = 1000 * retention_s
        self._changed = threading.Condition()
        self._runs = RunTable(now_ms)
        self._log = OutcomeLog(now_ms, idle_ms)
        self._table = JobTable(now_ms)
        self._jobs = JobRules(self._table, self._runs.ended, self._log.add, self._stop)
        self._stops: dict[str, list[str]] = defaultdict(list)
        self._workers: dict[str, tuple[int, bytes]] = {}  # name -> (ms until which it is alive, JSON of what it said)
        self._plans: dict[str, dict[str, bytes]] = defaultdict(dict)  # tenant -> name -> JSON
        self._keys: dict[str, ApiKey] = {}
        self._key_ends: dict[str, int] = {}  # key id -> ms from which the key is refused
        self._quotas: dict[str, Quota] = {}
        self._going: dict[str, set[str]] = defaultdict(set)  # tenant -> runs that count as going on
        self._windows: MemoryStorage | None = None

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Hold the lock, and wake the threads that wait for a change."""
        with self._changed:
            try:
                yield
            finally:
                self._changed.notify_all()

    def _stop(self, worker: str, token: str) -> None:
        """Called with the lock held."""
        self._stops[worker].append(token)
