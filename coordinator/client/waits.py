"""Waits: look again and again until something has ended, and sit out an outage. Know no goal and no job."""

from __future__ import annotations

import time
from collections.abc import Callable

from coordinator.client.errors import ApiError, ApiUnreachable
from infra.records import Json

#: The server waits no longer than this in one request.
STEP_S = 30.0
#: How long an outage of the API, or of the ledger behind it, may last before waiting and watching give up.
OUTAGE_S = 60.0


def in_one_request(wait_s: float) -> float:
    """How long the first request may wait."""
    return min(wait_s, STEP_S)


class Outage:
    """Measures for a waiting caller how long there has been no response."""

    def __init__(self) -> None:
        self._since: float | None = None  #: `time.monotonic()`

    def ended(self) -> None:
        self._since = None

    def sit_out(self, error: ApiError | ApiUnreachable) -> None:
        """Pause before the next try. Raises `error` if trying again does not help, or has not helped for too long."""
        self._since = self._since or time.monotonic()
        if error.retry_after_s is None or time.monotonic() - self._since > OUTAGE_S:
            raise error
        time.sleep(error.retry_after_s)


def waited(look: Callable[[float], Json], ended: Callable[[Json], bool], wait_s: float) -> Json:
    """Call `look`, which waits as long as it is told, until it sees an end or `wait_s` is over. Returns what it saw."""
    ends, outage = time.monotonic() + wait_s, Outage()
    while True:
        left_s = max(0.0, ends - time.monotonic())
        try:
            seen = look(min(left_s, STEP_S))
        except (ApiError, ApiUnreachable) as error:
            if not left_s:
                raise
            outage.sit_out(error)
            continue
        outage.ended()
        if ended(seen) or left_s <= STEP_S:
            return seen
