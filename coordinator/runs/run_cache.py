"""Remembers the runs that this coordinator saved last, so that it need not load them again. Knows no ledger.

Loading and reading a run is a fifth of the cost of an outcome that comes alone. A remembered run may be out of date;
then its save is refused, like every save from an old version. The version could only mislead if a fail-over of Redis
lost our last save and another coordinator saved the same version since. A fail-over takes longer than a run is
remembered.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from coordinator.runs.run import Run
from infra.records import RunState

KEPT_S = 1.0
MOST = 64  #: a run may be as large as a request to the API
SHARED_S = 60.0  #: how long nothing is remembered after a refused save: others save runs too, and loading is cheaper


class KnownRuns:
    """The runs of one thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._runs: OrderedDict[str, tuple[Run, int, float]] = OrderedDict()  # id -> run, version, when it was saved
        self._shared_until = 0.0

    def take(self, run_id: str) -> tuple[Run, int] | None:
        """The run and its version, if they are known. They are forgotten until the next save."""
        run, version, saved_at = self._runs.pop(run_id, (None, 0, 0.0))
        return (run, version) if run and self._now() - saved_at < KEPT_S else None

    def saved(self, run: Run, version: int) -> None:
        if run.state is not RunState.RUNNING or self._now() < self._shared_until:
            return
        self._runs[run.id] = run, version, self._now()
        if len(self._runs) > MOST:
            self._runs.popitem(last=False)

    def refused(self) -> None:
        """Forget all runs, as another coordinator has saved a run that we were about to save."""
        self._runs.clear()
        self._shared_until = self._now() + SHARED_S
