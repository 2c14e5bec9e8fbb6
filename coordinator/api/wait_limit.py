"""Places: how many requests may wait at once. Each holds a thread; the others need some too. Knows no route."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from coordinator.api.metrics import ApiMetrics
from coordinator.api.problems import RETRY_AFTER_S, Problem


class Places:
    def __init__(self, count: int, metrics: ApiMetrics) -> None:
        self._free = BoundedSemaphore(count)
        self._metrics = metrics

    @contextmanager
    def taken(self, needed: bool = True) -> Iterator[None]:
        """A place for as long as the block runs, if one is needed. Raises Problem (503) when there is none."""
        if not needed:
            yield
            return
        if not self._free.acquire(blocking=False):
            self._metrics.turned_away.inc()
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem(503, "Too many requests wait already", ["ask without wait, or try again soon"], headers)
        try:
            with self._metrics.waiting.track_inprogress():
                yield
        finally:
            self._free.release()


class Watch(StreamingResponse):
    """A stream that takes its place when it begins, and gives it back however it ends."""

    def __init__(self, places: Places, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._places.taken():
            await super().__call__(scope, receive, send)
