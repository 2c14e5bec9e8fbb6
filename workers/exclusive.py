"""The room in a worker: any number of attempts side by side, or one alone. Knows no job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: The pause between two looks at whether a caller that waits to be alone still wants to.
LOOK_S = 0.2


class Room:
    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards the attributes that follow
        self._inside = 0
        self._asked = False  #: a caller inside wants to be alone, or is

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Enter beside others. The caller waits while another one wants to be alone, or is."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asked)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, given_up: Callable[[], bool]) -> Iterator[bool]:
        """For a caller that is inside: wait until all others are out, or until `given_up`.

        Yields False at once if another caller wants the same. This one must then leave, because the other one waits
        until it is out.
        """
        with self._changed:
            mine, self._asked = not self._asked, True
            while mine and self._inside > 1 and not given_up():
                self._changed.wait(LOOK_S)
        try:
            yield mine
        finally:
            with self._changed:
                self._asked = self._asked and not mine
                self._changed.notify_all()
