"""How a worker process ends: its exit codes, and the time that it has. Knows no job and no engine."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

BROKEN = 1  #: An engine or the queue broke. Start the worker again.
REFUSED = 2  #: The worker cannot start like this. Starting it again does not help.

END_S = 10.0  #: time after the grace period; a process that has not ended by then hangs


def refuse(reason: str) -> int:
    """Say in one line why the worker does not start. Returns the exit code."""
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201 - the logs may not be set up yet
    return REFUSED


class Ending:
    """The end of a worker that is of no use any more. It comes even if the queue is too broken to stop."""

    def __init__(self, stop: Callable[[], None], grace_s: float) -> None:
        """`stop` asks the queue to end."""
        self._stop = stop
        self._begun = threading.Lock()
        self._last_resort = threading.Timer(grace_s + END_S, os._exit, [BROKEN])
        self._last_resort.daemon = True

    def begin(self) -> None:
        """May be called from any thread, and any number of times."""
        self._stop()
        if self._begun.acquire(blocking=False):
            self._last_resort.start()
