"""The supervisor: a small process that keeps a worker process going. Knows no job, no engine and no Redis.

It holds one end of a pipe, and the worker's ticker holds the other. If a worker falls silent, one of its engines or its
interpreter hangs. No thread of that process could be trusted to end it, so this process does.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from infra.logs import configure
from infra.process.child import ending
from infra.process.ticking_child import TickingChild
from infra.settings import Settings, setting_faults
from workers.upkeep.ending import END_S, refuse

log = logging.getLogger("workers.upkeep.supervisor")  # not `__name__`: this module is run as `__main__`

LOOK_S = 0.1  #: between two looks at the worker

#: Settings that the command line may give, and the option for each.
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

    `given`: settings by the names of their fields, out of `OPTIONS`; they win over the environment.
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
        """`command` is also given `--ticks=N`, the descriptor to tick on. If it is silent for `stall_s` after its first
        tick, it is killed.

        When it is told to end, it has `grace_s`, and END_S more to leave.
        """
        self._worker = TickingChild("the worker", command, environment)
        self._stall_s = stall_s
        self._grace_s = grace_s
        self._asked: signal.Signals | None = None  # the signal that asks it to end
        self._leave_by = math.inf  # `time.monotonic()` by which it must be gone, since it was told to end

    def run(self) -> int:
        """Run until the worker has ended for good. Returns its exit code as a shell would. For the main thread."""
        with self._heeding():
            self._worker.start()
            while True:
                time.sleep(LOOK_S)
                code = self._worker.look()
                if code is None:
                    self._watch()
                elif self._is_final(code):
                    return self._told(code)
                elif self._worker.is_due and self._asked:
                    return os.EX_OK
                elif said := self._worker.mend():
                    log.error(said, extra={"action": "restart"})

    def _watch(self) -> None:
        """Pass the signal on that asks it to end; kill it if it hangs."""
        if self._asked and self._leave_by == math.inf:
            self._worker.ask_to_stop(self._asked)
            self._leave_by = time.monotonic() + self._grace_s + END_S
        if self._worker.silent * LOOK_S > self._stall_s or time.monotonic() > self._leave_by:
            log.critical("the worker hangs; it is killed", extra={"action": "kill", "pid": self._worker.pid})
            self._worker.stop(until=0.0)

    def _is_final(self, code: int) -> bool:
        """A worker that never came to serve is not started again, so that whoever started us sees its end.

        A worker that has served before is started again: what it was refused now, memory or an answer from Redis, may
        come back.
        """
        if self._worker.is_due:
            return False
        return self._asked is not None or not self._worker.has_ticked or code == os.EX_OK

    def _told(self, code: int) -> int:
        if code < 0 and not self._asked:
            refuse(f"the worker ended before it served: {ending(code)}")
        return code if code >= 0 else 128 - code

    @contextmanager
    def _heeding(self) -> Iterator[None]:
        """Catch SIGTERM and SIGINT for the worker: they are kept here, and passed on at the next look."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        self._asked = self._asked or signal.Signals(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
