"""Arrivals: which of a bundle's jobs are over. The thread that runs the bundle waits here. Knows no job."""

from __future__ import annotations

import threading

#: Once a job of a bundle is over, the others have this time to be over too, and to be committed with it.
GATHER_S = 0.05


class Arrivals:
    def __init__(self, awaited: int) -> None:
        self._changed = threading.Condition()  # guards both of these
        self._left = awaited
        self._new = 0  # over since the last `wait`

    def add(self) -> None:
        """One more job is over. Any thread may call it, once for each job."""
        with self._changed:
            self._left, self._new = self._left - 1, self._new + 1
            if self._new == 1 or not self._left:
                self._changed.notify()

    def wait(self, timeout_s: float | None) -> None:
        """Return when all jobs are over, or GATHER_S after the first that is new, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._new, timeout_s)
            if self._new and self._left:
                self._changed.wait_for(lambda: not self._left, GATHER_S)
            self._new = 0
