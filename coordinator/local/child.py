"""Children: processes started, watched, started again with a back-off, and stopped. Knows not what they are for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coordinator.exits import Reason
from infra.process.back_off import back_off_s
from infra.process.tether import tethered

STOP_S = 15.0
#: A child that ran for so long has not failed at its start: its next restart comes at once.
STEADY_S = 30.0


class StartError(Reason):
    """A part did not come up; says which and where its log is."""


@dataclass
class Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    restarts: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started: float = 0.0  #: time.monotonic()
    _due: float = 0.0  #: of the next start

    @property
    def pid(self) -> int | None:
        """None unless it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                tethered(self.command), env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._started = time.monotonic()

    def mend(self) -> str | None:
        """Start it again if it has died and its back-off is over; a sentence when it is found dead."""
        if self.pid:
            return None
        now = time.monotonic()
        if not self._due:
            self.restarts = 0 if now - self._started > STEADY_S else self.restarts
            wait_s = back_off_s(self.restarts)
            self._due = now + wait_s
            return f"{self.name} ended ({self._ending()}); starting it again in {wait_s:g} s; its log: {self.log}"
        if now >= self._due:
            self._due, self.restarts = 0.0, self.restarts + 1
            self.start()
        return None

    def _ending(self) -> str:
        code = self._process.poll() if self._process else None
        return f"signal {-code}" if code is not None and code < 0 else f"code {code}"

    def ask_to_stop(self) -> None:
        if self._process and self.pid:
            self._process.terminate()

    def stop(self, until: float) -> None:
        """Wait for its end to `until` (time.monotonic()), then kill it."""
        if not self._process:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop_all(children: Sequence[Child], grace_s: float = 0.0) -> None:
    """They have `grace_s` to end what they do, and then a while to end themselves."""
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + grace_s + STOP_S
    for child in children:
        child.stop(until)
