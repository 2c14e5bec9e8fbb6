"""Places: how many requests may wait at once. Knows no route."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from coordinator.api.answers.problems import RETRY_AFTER_S, Problem
from coordinator.api.asked.headers import Tenant, Wait
from coordinator.api.metrics import ApiMetrics

#: Of all places, that one tenant may have.
SHARE = 0.75


class Places:
    def __init__(self, count: int, metrics: ApiMetrics) -> None:
        self._free = count
        self._most = max(1, int(count * SHARE))
        self._taken: Counter[str] = Counter()  #: by tenant
        self._changing = Lock()
        self._metrics = metrics

    @contextmanager
    def taken(self, needed: bool, tenant: str) -> Iterator[None]:
        """A place for as long as the block runs, if one is needed. Raises Problem (503) when there is none."""
        if not needed:
            yield
            return
        if (whose := self._take(tenant)) is not None:
            self._metrics.turned_away.inc()
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem(
                503, f"Too many requests{whose} wait already", ["ask without wait, or try again soon"], headers
            )
        try:
            with self._metrics.waiting.track_inprogress():
                yield
        finally:
            with self._changing:
                self._free += 1
                self._taken[tenant] -= 1
                self._taken += Counter()  # forgets who has none

    def _take(self, tenant: str) -> str | None:
        """Whose requests are too many; None: a place was taken."""
        with self._changing:
            if self._free <= 0:
                return ""
            if self._taken[tenant] >= self._most:
                return " of the tenant"
            self._free -= 1
            self._taken[tenant] += 1
            return None


def place_of(places: Places) -> Callable[[float, str], AsyncIterator[None]]:
    """A dependency: a place for a request that waits, until its answer is there to be sent."""

    async def place(wait: Wait, tenant: Tenant) -> AsyncIterator[None]:
        with places.taken(wait > 0, tenant):
            yield

    return place


class Watch(StreamingResponse):
    """A stream of events that takes its place when it begins, and gives it back however it ends."""

    media_type = "text/event-stream"

    def __init__(self, places: Places, tenant: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._places.taken(True, self._tenant):
            await super().__call__(scope, receive, send)
