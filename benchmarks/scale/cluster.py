"""A cluster of real processes on one machine for measuring: Redis, coordinators, workers. Knows no figure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from infra.ledger.redis.client import connect
from infra.ledger.redis.ledger import RedisLedger
from infra.process.child import await_end
from infra.process.redis_server import RedisServer
from infra.settings import Settings

START_S = 120.0
STOP_S = 30.0

#: Job type -> sigma of the logarithm of its service times. All have the same mean; they differ in their tails.
SIGMAS = {"calm": 0.3, "mixed": 0.6, "rough": 0.8, "wild": 1.0}
STAMP = "stamp"  #: a function that returns the time at which it ran

MANIFEST = """name = "{name}"
version = "1.0.0"
description = "For the benchmark of scale."
"""
SCRIPTED = """engine = "scripted"
[decoding]
format = "json"
max_tokens = 8
[limits]
timeout_s = 600
[script]
median_s = {median_s}
sigma = {sigma}
at_once = {at_once}
any_prompt = true
"""
STAMPED = """engine = "function"
function = "stamp.py:stamp"
"""
STAMPS = """import time


def stamp(input):
    return {"at": time.time()}
"""


def write_specialists(folder: Path, mean_s: float, at_once: int) -> None:
    """Write the job types of `SIGMAS`, which are scripted, and `stamp`."""
    for name, sigma in SIGMAS.items():
        median_s = mean_s / 2.718281828459045 ** (sigma**2 / 2)
        manifest = SCRIPTED.format(median_s=median_s, sigma=sigma, at_once=at_once)
        files = {"prompt.txt": "{{item}}", "examples.jsonl": json.dumps({"input": {"item": 0}, "output": {"done": 1}})}
        write_specialist(folder / name, manifest, {"item": {"type": "integer"}}, {"done": {"type": "integer"}}, files)
    input, output = {"after": {"type": "number"}}, {"at": {"type": "number"}}
    write_specialist(folder / STAMP, STAMPED, input, output, {"stamp.py": STAMPS})


def write_specialist(
    folder: Path, manifest: str, input: dict[str, Any], output: dict[str, Any], files: dict[str, str]
) -> None:
    """Write a specialist's folder. `input`, `output`: properties of its schemas, all required; `files`: other files."""
    folder.mkdir(parents=True)
    (folder / "specialist.toml").write_text(MANIFEST.format(name=folder.name) + manifest)
    for side, properties in (("input", input), ("output", output)):
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        (folder / f"{side}.schema.json").write_text(json.dumps({**schema, "additionalProperties": False}))
    for file, text in files.items():
        (folder / file).write_text(text)


@dataclass(frozen=True)
class Usage:
    """The CPU time and memory of a group of processes."""

    cpu_s: float
    rss_mb: float  #: the present mean over the processes


class Cluster:
    """A context that ends everything it started."""

    def __init__(self, folder: Path, mean_s: float, slots: int = 1, **given: Any) -> None:
        """`mean_s`: mean service time; `slots`: requests that a worker serves at once; `given`: more settings."""
        self._folder = folder
        write_specialists(folder / "specialists", mean_s, slots)
        self.redis = RedisServer(folder / "redis")
        self._given = {"slots": slots, "specialists": (str(folder / "specialists"),), "deadline_s": 7200, **given}
        self._stack = ExitStack()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.coordinators: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._stack.enter_context(self.redis)
        self.settings = Settings(_env_file=None, redis_url=self.redis.url, **self._given)
        self.client = connect(self.settings)
        self.ledger = RedisLedger(self.client, self.settings.prefix, retention_s=self.settings.retention_s)
        self._stack.callback(self.client.close)
        self._log = self._stack.enter_context((self._folder / "log").open("ab"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop(self.coordinators)
        self.stop(self.workers)
        self._stack.close()

    def start_workers(self, job_types: Sequence[str]) -> None:
        """Start one worker for each type; return when all serve."""
        for job_type in job_types:
            self.start_worker(job_type)
        self.await_workers()

    def start_worker(
        self, job_type: str, port: int | None = None, host: str = "127.0.0.1", inside: Sequence[str] = ()
    ) -> None:
        """Start a worker. `host` and `port`: the address of Redis for it; `inside`: words before its command."""
        command = [*inside, sys.executable, "-m", "workers.app", job_type]
        self.workers.append(self._start(command, f"redis://{host}:{port or self.redis.port}/0"))

    def start_coordinators(self, count: int) -> None:
        self.coordinators += [
            self._start([sys.executable, "-m", "coordinator.app"], self.redis.url) for _ in range(count)
        ]

    def start_hands(self, count: int) -> None:
        """Start processes that stand in for many workers of all scripted types; they count as workers."""
        command = [sys.executable, "-m", "benchmarks.scale.hands", *SIGMAS]
        self.workers += [self._start(command, self.redis.url) for _ in range(count)]

    def start_beside(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start another process on the same Redis, whose address is its first argument; the caller stops it."""
        return self._start([sys.executable, "-m", module, self.redis.url, *arguments], self.redis.url)

    def stop(self, processes: list[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            process.terminate()
        for process in processes:
            await_end(process, STOP_S)
        processes.clear()

    def await_empty_queues(self) -> None:
        until = time.monotonic() + START_S
        while any(self.client.llen(f"{self.settings.queue_prefix}:{job_type}") for job_type in SIGMAS):
            if time.monotonic() > until:
                raise RuntimeError(f"messages wait and nobody takes them; {self._tail()}")
            time.sleep(0.2)

    def usage(self) -> dict[str, Usage]:
        assert self.redis.pid
        groups = {
            "coordinator": [process.pid for process in self.coordinators],
            "worker": [process.pid for process in self.workers],
            "redis": [self.redis.pid],
        }
        return {name: Usage(sum(map(cpu_s, pids)), mean_rss_mb(pids)) for name, pids in groups.items()}

    def connections(self) -> int:
        return int(self._info("clients")["connected_clients"])

    def redis_bytes(self) -> int:
        return int(self._info("memory")["used_memory"])

    def _info(self, section: str) -> dict[str, Any]:
        about: Any = self.client.info(section)  # redis-py types its replies as "awaitable or not"
        return dict(about)

    def log_count(self, sentence: str) -> int:
        """How often the sentence is in the processes' logs."""
        return (self._folder / "log").read_text("utf-8", "replace").count(sentence)

    def _start(self, command: list[str], url: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "MANYHANDS_REDIS_URL": url,
            **{f"MANYHANDS_{name.upper()}": _text(value) for name, value in self._given.items()},
            "PYTHONPATH": str(Path(__file__).parents[2]),  # the folder that has `benchmarks`
        }
        log: IO[bytes] = self._log
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def await_workers(self) -> None:
        until = time.monotonic() + START_S
        while len(self.ledger.workers()) < len(self.workers):
            dead = [process for process in self.workers if process.poll() is not None]
            if dead or time.monotonic() > until:
                raise RuntimeError(f"{len(self.ledger.workers())} of {len(self.workers)} workers serve; {self._tail()}")
            time.sleep(0.2)

    def _tail(self) -> str:
        return "their log ends with:\n" + (self._folder / "log").read_text("utf-8", "replace")[-1500:]


def _text(value: Any) -> str:
    """A setting's value in the form of the environment."""
    return value if isinstance(value, str) else json.dumps(value)


def cpu_s(pid: int) -> float:
    """User and system time of all threads of the process."""
    spent = psutil.Process(pid).cpu_times()
    return spent.user + spent.system


def mean_rss_mb(pids: Sequence[int]) -> float:
    return sum(psutil.Process(pid).memory_info().rss for pid in pids) / max(1, len(pids)) / 1e6
