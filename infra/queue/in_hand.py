"""What a server has in hand, and whether it may take one more message. Knows no message and no job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: While a worker waits for the ledger about one bundle, it works on another one. More would only wait here.
BUNDLES = 2


class InHand:
    def __init__(self, slots: int, freed: Callable[[], None] = lambda: None) -> None:
        """`freed` is called after each message, by the thread that had it in hand."""
        self._slots = slots
        self._freed = freed
        self._lock = threading.Lock()  # guards both of these
        self._messages = 0
        self._jobs = 0

    @contextmanager
    def hold(self, jobs: int) -> Iterator[None]:
        """A message with so many jobs is in hand while the context lasts."""
        with self._lock:
            self._messages, self._jobs = self._messages + 1, self._jobs + jobs
        try:
            yield
        finally:
            with self._lock:
                self._messages, self._jobs = self._messages - 1, self._jobs - jobs
            self._freed()

    def has_room(self) -> bool:
        with self._lock:
            return self._jobs < self._slots or self._messages < min(BUNDLES, self._slots)
