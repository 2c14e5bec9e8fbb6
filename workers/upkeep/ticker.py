"""The ticker: how a worker process tells its supervisor that it is well. Knows neither of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

TICK_S = 1.0
#: Ticks in the time after which silence counts as a stall, so that one late tick does no harm.
TICKS = 8


class Ticker:
    """A context: its thread ticks while all that it watches is well, and for `spare_s` after that, so that running jobs
    may end.

    A process whose interpreter hangs does not tick either.
    """

    def __init__(self, pipe: int | None, stall_s: float, spare_s: float) -> None:
        """`pipe`: a file descriptor to write to, which only this process has from now on; None: nobody listens."""
        self._pipe = pipe
        self._every_s = min(TICK_S, stall_s / TICKS)
        self._spare_s = spare_s
        self._watched: list[Callable[[], bool]] = []
        self._well_at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick_on, name="tick", daemon=True)

    def watch(self, well: Callable[[], bool]) -> None:
        self._watched.append(well)

    def __enter__(self) -> Self:
        if self._pipe is not None:
            os.set_inheritable(self._pipe, False)
            os.set_blocking(self._pipe, False)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()

    def _tick_on(self) -> None:
        assert self._pipe is not None
        while True:
            if all(well() for well in self._watched):
                self._well_at = time.monotonic()
            if time.monotonic() - self._well_at <= self._spare_s and not _tick(self._pipe):
                os.kill(os.getpid(), signal.SIGTERM)  # for systems where no tether ends us with the supervisor
                return
            if self._ended.wait(self._every_s):
                return


def _tick(pipe: int) -> bool:
    """False when nobody holds the other end any more."""
    try:
        os.write(pipe, b".")
    except BlockingIOError:
        pass  # the pipe is full, because the listener was stopped for a while
    except BrokenPipeError:
        return False
    return True
