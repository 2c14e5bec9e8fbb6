"""Live workers: what they serve, as it was a second ago at most. Knows no run."""

from __future__ import annotations

import time
from collections.abc import Callable

from coordinator.runs.versions import Served, served_by
from infra.ledger.protocols.workers import WorkerRoster

#: How old what is said may be. Workers say every few seconds that they are alive, so it could not be much newer.
KEPT_S = 1.0


class LiveWorkers:
    """Everybody that looks at a running goal asks for it; the ledger is asked once a second."""

    def __init__(self, ledger: WorkerRoster, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._known: tuple[float, Served] | None = None  #: when it was asked for, and the answer

    def served(self) -> Served:
        known, now = self._known, self._clock()
        if known is None or now - known[0] >= KEPT_S:
            known = self._known = (now, served_by(self._ledger.workers()))
        return known[1]
