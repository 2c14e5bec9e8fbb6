"""A wait for the next events of a run, as long as a caller is there. Knows neither runs nor jobs."""

from __future__ import annotations

import time
from collections.abc import Callable

from infra.ledger.protocols.runs import RunEvents
from infra.records import Event

#: How long a request listens for events before it checks whether its caller is still there.
LISTENED_MS = 1_000


class Wait:
    def __init__(self, ledger: RunEvents, wait_s: float, gone: Callable[[], bool]) -> None:
        """The wait begins now and lasts `wait_s` at most. `gone`: whether the caller has gone."""
        self._ledger = ledger
        self._ends = time.monotonic() + wait_s
        self._gone = gone
        self._after = "0"

    @property
    def is_over(self) -> bool:
        return self._left_s <= 0 or self._gone()

    def listen(self, run_id: str) -> list[Event]:
        """The run's next events, if there are any soon."""
        wait_ms = max(1, min(LISTENED_MS, round(self._left_s * 1000)))
        events = self._ledger.events(run_id, self._after, wait_ms=wait_ms)
        self._after = events[-1][0] if events else self._after
        return [event for _, event in events]

    @property
    def _left_s(self) -> float:
        return self._ends - time.monotonic()
