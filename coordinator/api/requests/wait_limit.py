"""The wait limit bounds how many requests wait at once, because each of them holds a thread. Knows no route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from coordinator.api.metrics import ApiMetrics
from coordinator.api.problems import RETRY_AFTER_S, Problem

#: The share of the requests that may wait that one tenant may have.
SHARE = 0.75


class WaitLimit:
    def __init__(self, count: int, metrics: ApiMetrics) -> None:
        self._free = count
        self._most = max(1, int(count * SHARE))
        self._taken: Counter[str] = Counter()  #: by tenant
        self._changing = Lock()
        self._metrics = metrics

    @contextmanager
    def held(self, needed: bool, tenant: str) -> Iterator[None]:
        """Count one more waiting request while the block runs, if `needed`. Raises Problem (503) at the limit."""
        if not needed:
            yield
            return
        if (whose := self._enter(tenant)) is not None:
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

    def _enter(self, tenant: str) -> str | None:
        """Count the request. If it may not wait, return whose requests are too many; otherwise None."""
        with self._changing:
            if self._free <= 0:
                return ""
            if self._taken[tenant] >= self._most:
                return " of the tenant"
            self._free -= 1
            self._taken[tenant] += 1
            return None


class Watch(StreamingResponse):
    """A stream of events that counts as a waiting request from its beginning to its end."""

    media_type = "text/event-stream"

    def __init__(self, limit: WaitLimit, tenant: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = limit
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._limit.held(True, self._tenant):
            await super().__call__(scope, receive, send)
