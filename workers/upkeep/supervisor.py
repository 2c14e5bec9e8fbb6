"""The supervisor: a small process that keeps a worker process going. Knows no job, no engine and no Redis.

It holds one end of a pipe, the worker's ticker the other. A worker that falls silent has an engine or an interpreter
that comes round no more: no thread of its own could be trusted to end it, so this process does.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from infra.logs import configure
from infra.process.back_off import back_off_s
from infra.process.tether import tethered
from infra.settings import Settings, setting_faults
from workers.upkeep.ending import END_S, refuse

log = logging.getLogger("workers.upkeep.supervisor")  # not `__name__`: this module is run as `__main__`

LOOK_S = 0.1  #: between two looks at the worker
#: A worker that ran for so long has not failed at its start: its next one comes at once.
STEADY_S = 30.0

#: Settings that the command line may give, and how.
OPTIONS = {
    "redis_url": "--broker",
    "redis_password_file": "--key-file",
    "slots": "--slots",
    "engine": "--engine",
    "ray_address": "--address",
    "untrained": "--untrained",
}


def main(names: Sequence[str] = (), given: Mapping[str, Any] = MappingProxyType({})) -> int:
    """Keep a worker going that serves the specialists `names`, by default all. Returns the process's exit code.

    `given`: settings by their field, of those in `OPTIONS`; they win over the environment.
    """
    try:
        settings = Settings(**given)
    except ValidationError as error:
        return refuse("; ".join(setting_faults(error, {field: OPTIONS[field] for field in given})))
    if urlsplit(given.get("redis_url", "")).password:
        return refuse(
            "--broker holds a password, which everybody on this machine can read in its list of processes; "
            "put it into a file for --key-file, or into MANYHANDS_REDIS_PASSWORD"
        )
    configure(settings)
    told = {f"MANYHANDS_{field.upper()}": str(value) for field, value in given.items()}
    command = [sys.executable, "-m", "workers.app", *names]
    return Supervisor(command, {**os.environ, **told}, settings.stall_s, settings.grace_s).run()


class Supervisor:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str], stall_s: float, grace_s: float) -> None:
        """`command` is also given `--ticks=N`, where to tick. Silent for `stall_s` after its first tick, it is killed.

        Told to end, it has `grace_s`, and a while to go.
        """
        self._command = command
        self._environment = environment
        self._stall_s = stall_s
        self._grace_s = grace_s
        self._asked: signal.Signals | None = None  # to end
        self._served = False  # it has ticked, in this life or an earlier one
        self._restarts = 0

    def run(self) -> int:
        """Until the worker has ended for good; its exit code, as a shell would say it. For the main thread."""
        with self._heeding():
            while True:
                began = time.monotonic()
                code = self._live()
                if self._asked or not self._served or code == os.EX_OK:
                    return self._told(code)
                self._pause(code, time.monotonic() - began)
                if self._asked:
                    return os.EX_OK

    def _live(self) -> int:
        """One worker process, from its start to its end."""
        life = Life(self._command, self._environment)
        leave_by = math.inf
        while (code := life.look()) is None:
            if self._asked and leave_by == math.inf:
                life.send(self._asked)
                leave_by = time.monotonic() + self._grace_s + END_S
            if life.silent_s > self._stall_s or time.monotonic() > leave_by:
                log.critical("the worker hangs; it is killed", extra={"action": "kill", "pid": life.pid})
                code = life.kill()
                break
        self._served |= life.ticked
        return code

    def _told(self, code: int) -> int:
        """A worker that never came to serve is not started again: its end is for whoever started us to see.

        What is refused to one that has served before, a place in memory or an answer from Redis, may come back.
        """
        if code < 0 and not self._asked:
            refuse(f"the worker ended before it served: {_ending(code)}")
        return code if code >= 0 else 128 - code

    def _pause(self, code: int, ran_s: float) -> None:
        self._restarts = 0 if ran_s > STEADY_S else self._restarts
        wait_s = back_off_s(self._restarts)
        self._restarts += 1
        log.error("the worker ended: %s; starting it again in %g s", _ending(code), wait_s, extra={"action": "restart"})
        until = time.monotonic() + wait_s
        while time.monotonic() < until and not self._asked:
            time.sleep(LOOK_S)

    @contextmanager
    def _heeding(self) -> Iterator[None]:
        """SIGTERM and SIGINT are the worker's: noted here, and passed on at the next look."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        self._asked = self._asked or signal.Signals(number)


class Life:
    """One worker process, and what is heard of it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Killed with us, if we are: one that hangs would not hear of anything less."""
        ear, mouth = os.pipe()
        os.set_blocking(ear, False)
        self._ear = open(ear, "rb", buffering=0)  # noqa: SIM115 - open for as long as the process lives
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                tethered([*command, f"--ticks={mouth}"], signal.SIGKILL),
                env=environment, pass_fds=[mouth], start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(mouth)
        self.ticked = False
        self._silent = 0  # looks in a row; not seconds: who was stopped with it has not listened either

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def silent_s(self) -> float:
        """Since its last tick; 0 before its first one: weights take their time."""
        return self._silent * LOOK_S

    def look(self) -> int | None:
        """A look later: its exit code if it has ended, negative for a signal."""
        time.sleep(LOOK_S)
        code = self._process.poll()
        if self._ear.read():  # None: nothing new; nothing at all: it has closed its end
            self.ticked, self._silent = True, 0
        elif self.ticked:
            self._silent += 1
        if code is not None:
            self._ear.close()
        return code

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> int:
        self._process.kill()
        self._ear.close()
        return self._process.wait()


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
