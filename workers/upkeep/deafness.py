"""Deafness: whether the messages that wait on a worker's queues reach it. Knows neither Celery nor what a job says.

A Celery worker that was cut off from its broker may come back and beat, but never take a message again (celery#8030,
celery#8091). Being alive is therefore not enough: a worker is well only while the messages that wait for it arrive.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from types import TracebackType
from typing import Self

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.connection import LedgerPulse
from infra.logs import where
from infra.queue.protocol import Handler, Queue, QueueUnavailable

log = logging.getLogger(__name__)

#: How many looks there are in the time after which a worker that hears nothing counts as deaf.
LOOKS = 8

#: Celery waits 2, 4, ... 30 s between two tries to connect (kombu's `ensure_connection`, whose times it does not let us
#: set). So after a long outage it may be silent for this long although Redis answers.
RECONNECT_S = 35.0

#: The listener's thread may be asking a Redis that is away. Its worker waits only this long for the thread to end.
STOP_S = 1.0


class Ear:
    """Knows which messages have arrived and which have not. It only decides; any thread may call it.

    It counts looks instead of seconds, because a process that was frozen has not listened meanwhile.
    """

    def __init__(self, slots: int, spared: int) -> None:
        """`spared`: how many looks do not count after one that failed."""
        self._slots = slots
        self._spared = spared
        self._lock = threading.Lock()  # guards the attributes that follow
        self._busy = 0
        self._spared_now = 0
        self._unheard: dict[str, int] = {}  # by job type: looks in a row at which messages waited and a slot was free

    @contextmanager
    def hearing(self, job_type: str, jobs: int = 1) -> Iterator[None]:
        """A message has arrived, and takes a slot for each of its jobs while the context lasts."""
        with self._lock:
            self._busy += jobs
            self._unheard.pop(job_type, None)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= jobs

    def look(self, waiting: Mapping[str, int] | None) -> list[str]:
        """The job types to which the worker is deaf. `waiting`: messages of each type that wait; None: not known."""
        with self._lock:
            if waiting is None:
                self._spared_now = self._spared + 1
            if not waiting or self._spared_now or self._busy >= self._slots:
                waiting = {}
            self._spared_now = max(0, self._spared_now - 1)
            self._unheard = {job_type: self._unheard.get(job_type, 0) + 1 for job_type, n in waiting.items() if n}
            return sorted(job_type for job_type, looks in self._unheard.items() if looks > LOOKS)


class Listener:
    """A context: its thread looks whether messages arrive, and calls `deafened` once when they do not."""

    def __init__(
        self,
        queue: Queue,
        ledger: LedgerPulse,
        handlers: Mapping[str, Handler],
        slots: int,
        deaf_s: float,
        deafened: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._handlers = dict(handlers)
        self._every_s = deaf_s / LOOKS
        self._ear = Ear(slots, ceil(RECONNECT_S / self._every_s))
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
        """The given handlers; each also notes that a message has reached it."""
        return {job_type: self._noting(job_type, handler) for job_type, handler in self._handlers.items()}

    def end(self) -> None:
        """Stop looking, because from now on the queue is not asked for messages."""
        self._ended.set()

    def _noting(self, job_type: str, handler: Handler) -> Handler:
        def note(*job_ids: str) -> str | None:
            with self._ear.hearing(job_type, len(job_ids)):
                return handler(*job_ids)

        return note

    def _listen(self) -> None:
        while not self._ended.wait(self._every_s):
            deaf_to = self._ear.look(self._waiting())
            if deaf_to and not self._ended.is_set():
                types = ", ".join(deaf_to)
                log.critical("messages wait and none arrives: %s; this worker stops", types, extra={"action": "stop"})
                self._deafened()
                return

    def _waiting(self) -> dict[str, int] | None:
        """None while Redis does not answer us either, because then it is not the worker that is deaf."""
        try:
            self._ledger.ping()
            return {job_type: self._queue.waiting(job_type) for job_type in self._handlers}
        except (LedgerUnavailable, QueueUnavailable) as error:
            log.warning("cannot look at the queues: %s", error, extra={"action": "listen"})
        except Exception as error:  # noqa: BLE001 - a listener that ended unseen would let a deaf worker live
            log.critical("listening raised %s\n%s", type(error).__name__, where(error), extra={"action": "listen"})
        return None
