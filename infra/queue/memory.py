"""The queue within one process, for tests. Knows no network: what is on it ends with the process."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from infra.queue.in_hand import InHand
from infra.queue.protocol import Handler, Redeliver
from infra.records import Message

log = logging.getLogger(__name__)


class MemoryQueue:
    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards the attributes that follow
        self._messages: deque[Message] = deque()  # oldest first
        self._stopped = False

    def send(self, job_type: str, *job_ids: str) -> None:
        with self._changed:
            self._messages.append((job_type, *job_ids))
            self._changed.notify()

    def send_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.send(*message)

    def waiting(self, job_type: str) -> int:
        with self._changed:
            return sum(message[0] == job_type for message in self._messages)

    def purge(self, job_type: str) -> None:
        with self._changed:
            self._messages = deque(message for message in self._messages if message[0] != job_type)

    def serve(
        self, handlers: Mapping[str, Handler], slots: int, name: str, stopping: Callable[[], None] = lambda: None
    ) -> None:
        in_hand = InHand(slots)
        given = [handlers, in_hand]
        threads = [threading.Thread(target=self._take_all, args=given, name=f"{name}-{n}") for n in range(slots)]
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

    def _take_all(self, handlers: Mapping[str, Handler], in_hand: InHand) -> None:
        while message := self._take(handlers, in_hand):
            job_type, *job_ids = message
            with in_hand.hold(len(job_ids)):
                try:
                    handlers[job_type](*job_ids)
                except Redeliver:
                    self.send(job_type, *job_ids)
                except Exception as error:  # noqa: BLE001 - one message's fault must not end the thread of the others
                    log.error("handler of %r raised %s", job_type, type(error).__name__, extra={"job_id": job_ids[0]})
            with self._changed:
                self._changed.notify_all()

    def _take(self, job_types: Mapping[str, Handler], in_hand: InHand) -> Message | None:
        """The oldest message of a served type. Waits until there is one and room for it; None once the queue is
        stopped."""
        with self._changed:
            while not self._stopped:
                for message in self._messages if in_hand.has_room() else ():
                    if message[0] in job_types:
                        self._messages.remove(message)
                        return message
                self._changed.wait()
        return None
