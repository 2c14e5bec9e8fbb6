"""A cluster of real processes that can be killed, frozen and started again, each in its seat. Decides nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.chaos.processes.process import FOLDER, NO_PLANT
from benchmarks.chaos.processes.scripts import watched
from infra.ledger.redis.ledger import RedisLedger
from infra.process.child import await_end
from infra.process.redis_server import RedisServer
from infra.process.tether import tethered
from infra.settings import Settings

WEIGHTS = {"large": {"weight": 3}}  #: weights of tenants, in the form of the settings
START_S = 120.0
STOP_S = 30.0

#: Short times, so that everything that waits for a time-out happens often.
FAST: Mapping[str, Any] = {
    "lease_s": 3.0, "silent_s": 5.0, "sweep_s": 0.5, "visibility_timeout_s": 5, "grace_s": 2.0, "slots": 8,
    "log_level": "WARNING", "tenants": json.dumps(WEIGHTS),
}  # fmt: skip


@dataclass
class Seat:
    """A seat for one process. A killed process is replaced at `due`."""

    role: str
    command: Sequence[str]
    url: str  #: the address of Redis for this process
    process: subprocess.Popen[bytes] | None = None
    due: float | None = None  #: `time.monotonic()` at which the next process is started
    thaws: float | None = None  #: `time.monotonic()` at which a frozen process goes on

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None


class ChaosCluster:
    """A context that ends everything it started. It belongs in one thread, which outlives all the processes."""

    def __init__(self, folder: Path, given: Mapping[str, Any] = FAST, plant: str | None = None) -> None:
        self.folder = folder
        self._plant = plant or NO_PLANT
        self._redis = RedisServer(folder / "redis")
        self._given = dict(given)
        self._stack = ExitStack()
        self.seats: list[Seat] = []
        #: Outages of Redis: Unix times of its death and of its next reply.
        self.outages: list[tuple[float, float]] = []
        self.ended: Counter[str] = Counter()  #: processes that ended without being killed, by role and exit code

    def __enter__(self) -> Self:
        self._stack.enter_context(self._redis)
        specialists = self.folder / "specialists"
        specialists.mkdir(exist_ok=True)
        self._given |= {"redis_url": self._redis.url, "specialists": json.dumps([str(specialists)])}
        self.settings = Settings(_env_file=None, **self._given)
        with watched(None if self._plant == NO_PLANT else self._plant):
            self.ledger = RedisLedger.of(self.settings)
        self._stack.callback(self.ledger.close)
        self._log = self._stack.enter_context((self.folder / "log").open("ab"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for seat in self.seats:
            seat.due = None
            self.thaw(seat)
            if seat.process:
                seat.process.terminate()
        for seat in self.seats:
            if seat.process:
                await_end(seat.process, STOP_S)
        self._stack.close()

    @property
    def redis_port(self) -> int:
        return self._redis.port

    def pid(self, number: int) -> int:
        """The pid of the process that has this seat now."""
        return self.seats[number].pid

    def seat(
        self, role: str, job_types: Sequence[str] = (), inside: Sequence[str] = (), url: str | None = None
    ) -> None:
        """Add a seat and start its process. `inside`: words before the command; `url`: the address of Redis for it."""
        words = [sys.executable, "-m", "benchmarks.chaos.processes.process", role, self._plant, *job_types]
        self.seats.append(Seat(role, [*inside, *tethered(words, signal.SIGKILL)], url or self._redis.url))
        self._take(self.seats[-1])

    def await_workers(self) -> None:
        until = time.monotonic() + START_S
        wanted = sum(seat.role == "worker" for seat in self.seats)
        while len(self.ledger.workers()) < wanted:
            dead = [seat for seat in self.seats if not seat.lives]
            if dead or time.monotonic() > until:
                raise RuntimeError(f"of {wanted} workers {len(self.ledger.workers())} serve; {self.tail()}")
            time.sleep(0.1)

    def kill(self, seat: Seat, again_s: float) -> None:
        """Kill the process with SIGKILL; another takes the seat after `again_s`."""
        assert seat.process
        seat.process.kill()
        seat.process.wait()
        seat.thaws = None
        seat.due = time.monotonic() + again_s

    def stop(self, seat: Seat) -> None:
        """The process stands still, until it is killed."""
        assert seat.process
        seat.process.send_signal(signal.SIGSTOP)

    def freeze(self, seat: Seat, seconds: float) -> None:
        self.stop(seat)
        seat.thaws = time.monotonic() + seconds

    def thaw(self, seat: Seat) -> None:
        if seat.thaws is not None and seat.process:
            seat.process.send_signal(signal.SIGCONT)
        seat.thaws = None

    def kill_redis(self) -> None:
        """Kill Redis with SIGKILL, start it again on the same data at once, and return when it answers."""
        assert self._redis.pid
        began = time.time()
        os.kill(self._redis.pid, signal.SIGKILL)
        while self._redis.pid:
            time.sleep(0.001)
        self._redis.start()
        self.outages.append((began, time.time()))

    def mend(self) -> None:
        """Start the processes that are due, and those that ended without being killed, as a supervisor does."""
        now = time.monotonic()
        for seat in self.seats:
            if seat.thaws is not None and seat.thaws <= now:
                self.thaw(seat)
            if seat.due is None and not seat.lives and seat.process:
                self.ended[f"{seat.role} with code {seat.process.returncode}"] += 1
                seat.due = now
            if seat.due is not None and seat.due <= now:
                self._take(seat)

    def tail(self) -> str:
        return "their log ends with:\n" + (self.folder / "log").read_text("utf-8", "replace")[-3000:]

    def _take(self, seat: Seat) -> None:
        given = self._given | {"redis_url": seat.url}
        environment = os.environ | {f"MANYHANDS_{name.upper()}": str(value) for name, value in given.items()}
        environment |= {FOLDER: str(self.folder), "PYTHONPATH": str(Path(__file__).parents[3])}
        seat.due = None
        seat.process = subprocess.Popen(
            seat.command, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
