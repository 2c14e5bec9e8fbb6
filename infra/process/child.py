"""A child process: started, watched, started again with a back-off, asked to end, and then killed.

It does not know what the child is for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from infra.process.back_off import back_off_s
from infra.process.tether import tethered

STOP_S = 15.0
#: A child that ran for this long did not fail at its start, so its next restart comes at once.
STEADY_S = 30.0


class Child:
    """Runs one process at a time: a restarted process takes the place of the one that has ended."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] = os.environ,
        log: Path | None = None,
        orphaned: signal.Signals = signal.SIGTERM,
    ) -> None:
        """The child's output is appended to `log`, or goes where ours goes. `orphaned`: its signal if we end first."""
        self.name = name
        self.command = command
        self.environment = environment
        self.restarts = 0  #: restarts in a row that did not last
        self._log = log
        self._orphaned = orphaned
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0  #: time.monotonic()
        self._due: float | None = None  #: time.monotonic() of the next start

    @property
    def log(self) -> Path:
        assert self._log, f"{self.name} has no log of its own"
        return self._log

    @property
    def pid(self) -> int | None:
        """The process id; None unless the child runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None unless it has ended."""
        return self._process.poll() if self._process else None

    @property
    def is_due(self) -> bool:
        """Whether it was found dead and waits to be started again."""
        return self._due is not None

    def start(self) -> None:
        self._start(self.command)

    def mend(self) -> str | None:
        """Start it again if it has died and its back-off is over. Returns a sentence when it is found dead."""
        if self.pid:
            return None
        now = time.monotonic()
        if self._due is None:
            self.restarts = 0 if now - self._started_at > STEADY_S else self.restarts
            wait_s = back_off_s(self.restarts)
            self._due = now + wait_s
            where = f"; its log: {self._log}" if self._log else ""
            return f"{self.name} ended ({ending(self.code)}); starting it again in {wait_s:g} s{where}"
        if now >= self._due:
            self._due, self.restarts = None, self.restarts + 1
            self.start()
        return None

    def ask_to_stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process:
            self._process.send_signal(how)  # this does nothing if it has ended

    def stop(self, until: float) -> None:
        """Wait for its end until `until` (time.monotonic()), then kill it."""
        if self._process:
            await_end(self._process, until - time.monotonic())

    def _start(self, command: Sequence[str], files: Sequence[int] = ()) -> None:
        """`files`: descriptors of ours that the child inherits."""
        with self._output() as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                tethered(command, self._orphaned), env=self.environment, pass_fds=files, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._started_at = time.monotonic()

    @contextmanager
    def _output(self) -> Iterator[IO[bytes] | None]:
        if self._log is None:
            yield None
            return
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            yield log


def stop_all(children: Sequence[Child], grace_s: float = 0.0) -> None:
    """End all children: they have `grace_s` to finish their work, and then STOP_S to end themselves."""
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + grace_s + STOP_S
    for child in children:
        child.stop(until)


def await_end(process: subprocess.Popen[bytes], within_s: float) -> None:
    """Wait `within_s` seconds for the process to end, then kill it."""
    try:
        process.wait(max(0.0, within_s))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ending(code: int | None) -> str:
    """How a process ended, in words: `SIGKILL`, or `code 3`."""
    return signal.Signals(-code).name if code is not None and code < 0 else f"code {code}"
