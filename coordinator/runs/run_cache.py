"""Runs as this coordinator has saved them last: not loaded again while nobody else saves them. Knows no ledger.

To load and read a run is a fifth of what an outcome costs that comes alone. What is known may be out of date: the save
is refused then, as every save from an old version is; unless a fail-over of Redis lost our last save and somebody else
has saved that version since. A fail-over takes longer than anything is known for.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from coordinator.runs.run import Run
from infra.records import RunState

KEPT_S = 1.0
MOST = 64  #: a run may be as large as a request to the API
SHARED_S = 60.0  #: after a save was refused, others are taken to save runs too, and loading is cheaper than guessing


class KnownRuns:
    """For one thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._runs: OrderedDict[str, tuple[Run, int, float]] = OrderedDict()  # and when it was saved
        self._shared_until = 0.0

    def take(self, run_id: str) -> tuple[Run, int] | None:
        """The run and its version, which are known again only once they are saved."""
        run, version, saved_at = self._runs.pop(run_id, (None, 0, 0.0))
        return (run, version) if run and self._now() - saved_at < KEPT_S else None

    def saved(self, run: Run, version: int) -> None:
        if run.state is not RunState.RUNNING or self._now() < self._shared_until:
            return
        self._runs[run.id] = run, version, self._now()
        if len(self._runs) > MOST:
            self._runs.popitem(last=False)

    def refused(self) -> None:
        """Another coordinator has saved a run that we were about to save."""
        self._runs.clear()
        self._shared_until = self._now() + SHARED_S
