"""The room in a worker: any number of attempts side by side, or one alone. Knows no job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Between two looks whether somebody who waits to be alone still wants to.
LOOK_S = 0.2


class Room:
    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards what follows
        self._inside = 0
        self._asking = 0  #: of those inside: who wants to be alone, or is
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Nobody comes in while somebody wants to be alone, or is."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asking)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, given_up: Callable[[], bool]) -> Iterator[None]:
        """For somebody inside: when all others are out, or beside them once `given_up`."""
        with self._changed:
            self._asking += 1
            self._changed.notify_all()
            while (self._inside > self._asking or self._alone) and not given_up():
                self._changed.wait(LOOK_S)
            mine, self._alone = not self._alone, True
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._alone = self._alone and not mine
                self._changed.notify_all()
