"""A child that ticks: while it is well it writes to a pipe, of which we hold the other end."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import IO

from infra.process.child import Child


class TickingChild(Child):
    """Its command is also given `--ticks=N`, the file descriptor to write to."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
        """Killed with us, if we are: one that hangs would not hear of anything less."""
        super().__init__(name, command, environment, orphaned=signal.SIGKILL)
        self.has_ticked = False  #: in this life or an earlier one
        self.silent = 0  #: looks in a row without a tick since the first one of this life
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
        """Listen for ticks; its exit code if it has ended.

        Silence is counted in looks and not in seconds: whoever was stopped together with it has not listened either.
        The time before its first tick is no silence: weights take their time.
        """
        code = self.code  # first: the last tick of one that has ended is there to be read
        if self._ear and self._ear.read():  # None: nothing new; nothing at all: it has closed its end
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
