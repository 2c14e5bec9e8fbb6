"""Consuming: whether what waits on a worker's queues reaches it. Knows neither Celery nor what a job says.

A Celery worker that was cut off from its broker may come back, beat, and take no message ever again (celery#8030,
celery#8091). Being alive is therefore not enough: a worker is well while what waits for it arrives.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from infra.ledger import Ledger, LedgerUnavailable
from infra.queue import Handler, Queue, QueueUnavailable

log = logging.getLogger(__name__)

#: Looks in the time after which a worker that hears nothing counts as deaf.
LOOKS = 8

#: Its thread may be asking a Redis that is away: its worker does not wait for that to end.
STOP_S = 1.0


class Ear:
    """What has arrived and what has not. Decides; times are `time.monotonic()`, and any thread may call."""

    def __init__(self, slots: int, deaf_s: float) -> None:
        self._slots = slots
        self._deaf_s = deaf_s
        self._lock = threading.Lock()  # guards what follows
        self._busy = 0
        self._unheard_since: dict[str, float] = {}  # by job type: messages wait, a slot is free, and none has come

    @contextmanager
    def hearing(self, job_type: str) -> Iterator[None]:
        """A message has arrived, and takes a slot while the context lasts."""
        with self._lock:
            self._busy += 1
            self._unheard_since.pop(job_type, None)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def look(self, waiting: Mapping[str, int], now: float) -> list[str]:
        """The job types it is deaf to, given how many messages of each wait. Without any: nobody could say."""
        with self._lock:
            if self._busy >= self._slots:
                waiting = {}
            since = {job_type: self._unheard_since.get(job_type, now) for job_type, n in waiting.items() if n}
            self._unheard_since = since
            return sorted(job_type for job_type, at in since.items() if now - at >= self._deaf_s)


class Listener:
    """A context: its thread looks whether messages arrive, and calls `deafened`, once, when they do not."""

    def __init__(
        self,
        queue: Queue,
        ledger: Ledger,
        handlers: Mapping[str, Handler],
        slots: int,
        deaf_s: float,
        deafened: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._handlers = dict(handlers)
        self._ear = Ear(slots, deaf_s)
        self._every_s = deaf_s / LOOKS
        self._deafened = deafened
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listen", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        self._thread.join(STOP_S)

    def handlers(self) -> dict[str, Handler]:
        """Those given, each noted when a message reaches it."""
        return {job_type: self._noting(job_type, handler) for job_type, handler in self._handlers.items()}

    def end(self) -> None:
        """Look no more: from now on the queue is not asked for messages."""
        self._ended.set()

    def _noting(self, job_type: str, handler: Handler) -> Handler:
        def note(job_id: str) -> str | None:
            with self._ear.hearing(job_type):
                return handler(job_id)

        return note

    def _listen(self) -> None:
        while not self._ended.wait(self._every_s):
            deaf_to = self._ear.look(self._waiting(), time.monotonic())
            if deaf_to and not self._ended.is_set():
                types = ", ".join(deaf_to)
                log.critical("messages wait and none arrives: %s; this worker stops", types, extra={"action": "stop"})
                self._deafened()
                return

    def _waiting(self) -> dict[str, int]:
        """Nothing while Redis does not answer us either: then it is not the worker that is deaf."""
        try:
            self._ledger.ping()
            return {job_type: self._queue.waiting(job_type) for job_type in self._handlers}
        except (LedgerUnavailable, QueueUnavailable) as error:
            log.warning("cannot look at the queues: %s", error, extra={"action": "listen"})
            return {}
