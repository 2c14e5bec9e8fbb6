"""The contenders: each is a process (or two) that is asked for answers, with its memory and its time to get ready.

It knows no figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
from celery import Celery

from benchmarks.delivery.tables import Row
from benchmarks.engine.workload import Answers, Workload
from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import Job, Outcome, RunRecord
from infra.settings import Settings

ROUND_S = 900.0
WAIT_MS = 100  #: the longest wait for a job to become ready


@dataclass
class Contender:
    """A contender; `ask` takes a workload, and a label that no other round has."""

    name: str
    pid: int
    ask: Callable[[Workload, str], Answers]
    ready_s: float = 0.0  #: from the start of its process to its first answers

    def peak_bytes(self) -> int:
        """The most memory that its processes had resident, summed."""
        return peak_bytes(self.pid)


def started(contender: Callable[[], Contender], workload: Workload) -> Contender:
    began = time.monotonic()
    found = contender()
    found.ask(workload.warm(2), f"first-{began}")
    found.ready_s = time.monotonic() - began
    found.ask(workload.warm(), f"warm-{began}")
    return found


@contextmanager
def child(
    command: Sequence[str], environment: Mapping[str, str], piped: bool = False
) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE if piped else None
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=os.environ | environment, stdin=pipe, stdout=pipe, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def worker(workload: Workload, settings: Settings) -> Iterator[Callable[[], Contender]]:
    """Our whole system: jobs go through ledger, queue and a worker process; outcomes come from the ledger."""
    command = ["workers.app", workload.name]
    given = {"MANYHANDS_SLOTS": str(settings.slots), "MANYHANDS_LOG_LEVEL": "WARNING"}
    with (
        child(command, given | {"MANYHANDS_REDIS_URL": settings.redis_url}) as process,
        closing(Jobs(settings)) as jobs,
    ):
        yield lambda: Contender("manyhands", process.pid, jobs.ask)


class Jobs:
    """Sends jobs as a coordinator does, in runs that have nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._ledger, self._queue = RedisLedger.of(settings), CeleryQueue(create_app(settings))
        self._window = settings.window
        self._closed = threading.Event()
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatch", daemon=True)
        self._dispatcher.start()

    def close(self) -> None:
        self._closed.set()
        self._dispatcher.join()

    def _dispatch(self) -> None:
        while not self._closed.is_set():
            self._ledger.wait_ready(WAIT_MS)
            self._queue.send_all(self._ledger.take_ready(self._window))

    def ask(self, workload: Workload, label: str) -> Answers:
        started = time.monotonic()
        by_index = self._ended(self.send(workload, label), len(workload.examples))
        seconds = time.monotonic() - started
        tokens = sum(each.usage.tokens_out for each in by_index)
        return Answers(workload.examples, seconds, [each.output for each in by_index], tokens)

    def all_of(self, label: str, jobs: Sequence[Job]) -> list[Outcome]:
        """Run the jobs; return their outcomes by index."""
        run = RunRecord(id=label, created_ms=0, body={})
        self._ledger.create_run(run, jobs, [])
        return self._ended(run, len(jobs))

    def _ended(self, run: RunRecord, jobs: int) -> list[Outcome]:
        """Wait for all jobs; return their outcomes by index."""
        until, ended = time.monotonic() + ROUND_S, dict[str, Outcome]()
        while len(ended) < jobs:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(ended)} of {jobs} jobs ended within {ROUND_S:g} s")
            ended |= dict(self._ledger.outcomes("bench", jobs, 1000))
        self._ledger.advance(run, [], [], list(ended))
        return sorted(ended.values(), key=lambda outcome: outcome.index)

    def send(self, workload: Workload, label: str) -> RunRecord:
        jobs = [
            Job(id=Job.name(label, "s1", n), type=workload.name, input=each, run_id=label, step_id="s1", index=n,
                timeout_s=ROUND_S, attempts=1)
            for n, each in enumerate(workload.inputs)
        ]  # fmt: skip
        run = RunRecord(id=label, created_ms=0, body={})
        self._ledger.create_run(run, jobs, [])
        return run

    def ended(self, wait_ms: int) -> list[Outcome]:
        """Return the next outcomes and acknowledge them."""
        found = self._ledger.outcomes("bench", 1000, wait_ms)
        self._ledger.acknowledge([entry for entry, _ in found])
        return [outcome for _, outcome in found]


@contextmanager
def celery_generate(settings: Settings) -> Iterator[Callable[[], Contender]]:
    """The way most people begin: a Celery task that calls `generate`, one task at a time."""
    client = Celery("client", broker=settings.redis_url, backend=settings.redis_url)

    def ask(workload: Workload, _: str) -> Answers:
        started = time.monotonic()
        sent = [client.send_task("peer.answer", (workload.name, each)) for each in workload.inputs]
        found = [result.get(timeout=ROUND_S) for result in sent]
        seconds = time.monotonic() - started
        return workload.answers(seconds, [each["text"] for each in found], sum(each["tokens"] for each in found))

    command = ["celery", "--quiet", "--app", "benchmarks.peer", "worker", "--pool", "solo", "--loglevel", "error"]
    with client, child(command, {"PEER_REDIS_URL": settings.redis_url}) as process:
        yield lambda: Contender("Celery + generate", process.pid, ask)


@contextmanager
def alone(
    kind: str, specialists: Sequence[str], name: str | None = None, **options: object
) -> Iterator[Callable[[], Contender]]:
    """An engine of `benchmarks.engine.child`, without a queue; it is asked through a pipe."""
    command = ["benchmarks.engine.child", kind, ",".join(specialists), json.dumps(options)]
    with child(command, {}, piped=True) as process:
        pipe = Pipe(process)
        yield lambda: Contender(name or kind, process.pid, pipe.ask)


class Pipe:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._to: IO[str] = process.stdin
        self._from: IO[str] = process.stdout
        self.last: Row = {}  #: the whole answer of the last round

    def ask(self, workload: Workload, _: str) -> Answers:
        self._to.write(json.dumps({"inputs": workload.inputs}) + "\n")
        self._to.flush()
        line = self._from.readline()
        if not line:
            raise ChildProcessError("a contender ended without an answer: what it wrote above says why")
        self.last = json.loads(line)
        return workload.answers(self.last["seconds"], self.last["texts"], self.last["tokens"])


def peak_bytes(pid: int) -> int:
    """The most memory that a process and its children have had resident, summed."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:  # it has ended
        return 0
    return sum(map(_peak, [pid, *(child.pid for child in children)]))


def _peak(pid: int) -> int:
    """The peak as the kernel reports it; psutil does not have it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
