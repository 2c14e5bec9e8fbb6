"""A child that ticks: while it is well, it writes to a pipe that we read."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import IO

from infra.process.child import Child


class TickingChild(Child):
    """Its command is also given `--ticks=N`, the file descriptor that it must write to."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
        """The child is killed when we end, because a child that hangs would not react to a milder signal."""
        super().__init__(name, command, environment, orphaned=signal.SIGKILL)
        self.has_ticked = False  #: in this life or an earlier one
        self.silent = 0  #: looks in a row without a tick since its first tick in this life
        self._ticks_now = False  #: it has ticked in this life
        self._ear: IO[bytes] | None = None

    def start(self) -> None:
        ear, mouth = os.pipe()
        os.set_blocking(ear, False)
        self._hang_up()
        self._ear = open(ear, "rb", buffering=0)  # noqa: SIM115 - open for as long as the process lives
        self._ticks_now, self.silent = False, 0
        try:
            self._start([*self.command, f"--ticks={mouth}"], [mouth])
        finally:
            os.close(mouth)

    def stop(self, until: float) -> None:
        super().stop(until)
        self.look()

    def look(self) -> int | None:
        """Listen for ticks, and return the exit code if the child has ended.

        Silence is counted in looks and not in seconds: if this process was stopped together with the child, it has not
        looked either. The time before the first tick is no silence, because loading weights takes time.
        """
        code = self.code  # asked before the pipe is read, so that the last tick of a child that has ended is read too
        if self._ear and self._ear.read():  # None means nothing new; empty bytes mean that the child closed its end
            self.has_ticked = self._ticks_now = True
            self.silent = 0
        elif self._ticks_now:
            self.silent += 1
        if code is not None:
            self._hang_up()
        return code

    def _hang_up(self) -> None:
        if self._ear:
            self._ear.close()
        self._ear = None
