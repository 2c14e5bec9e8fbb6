"""The queue within one process, for tests. Knows no network: what is on it ends with the process."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from infra.queue.protocol import Handler, Redeliver

log = logging.getLogger(__name__)


class MemoryQueue:
    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards the attributes that follow
        self._messages: deque[tuple[str, str]] = deque()  # (job type, job id), oldest first
        self._stopped = False

    def send(self, job_type: str, job_id: str) -> None:
        with self._changed:
            self._messages.append((job_type, job_id))
            self._changed.notify()

    def send_all(self, jobs: Sequence[tuple[str, str]]) -> None:
        for job_type, job_id in jobs:
            self.send(job_type, job_id)

    def waiting(self, job_type: str) -> int:
        with self._changed:
            return sum(type == job_type for type, _ in self._messages)

    def purge(self, job_type: str) -> None:
        with self._changed:
            self._messages = deque(message for message in self._messages if message[0] != job_type)

    def serve(
        self, handlers: Mapping[str, Handler], slots: int, name: str, stopping: Callable[[], None] = lambda: None
    ) -> None:
        threads = [threading.Thread(target=self._take_all, args=[handlers], name=f"{name}-{n}") for n in range(slots)]
        for thread in threads:
            thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._stopped)
        stopping()
        for thread in threads:
            thread.join()
        self._stopped = False

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        self.stop()

    def _take_all(self, handlers: Mapping[str, Handler]) -> None:
        while message := self._take(handlers):
            job_type, job_id = message
            try:
                handlers[job_type](job_id)
            except Redeliver:
                self.send(job_type, job_id)
            except Exception as error:  # noqa: BLE001 - one message's fault must not end the thread of the others
                log.error("handler of %r raised %s", job_type, type(error).__name__, extra={"job_id": job_id})

    def _take(self, job_types: Mapping[str, Handler]) -> tuple[str, str] | None:
        """The oldest message of a served type. Waits until there is one; None once the queue is stopped."""
        with self._changed:
            while not self._stopped:
                for message in self._messages:
                    if message[0] in job_types:
                        self._messages.remove(message)
                        return message
                self._changed.wait()
        return None
