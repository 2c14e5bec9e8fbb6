"""The latency of one worker while jobs come at random, at several shares of the most that it can do."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.delivery.tables import Row, percentile, show
from benchmarks.engine.contenders import Jobs, started, worker
from benchmarks.engine.options import Options
from benchmarks.engine.workload import Workload
from infra.process.redis_server import RedisServer
from infra.settings import Settings

LOADS = (0.1, 0.5, 0.9)
LEAST_JOBS, LEAST_S = 50, 15.0  #: jobs and seconds of one load; the one that takes longer counts
WAIT_MS = 100
SEED = 5


def latency(options: Options) -> Iterator[tuple[str, Row]]:
    """Measure each workload, by its name."""
    for name in options.workloads:
        yield name, _measured(options.workload(name, 1 + len(LOADS)), options)


def _measured(workload: Workload, options: Options) -> Row:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis:
        settings = Settings().model_copy(update={"redis_url": redis.url, "slots": options.slots})
        with worker(workload, settings) as begun:
            contender = started(begun, workload)
            most = contender.ask(workload.round(0), "most").jobs_per_s
            with closing(Jobs(settings)) as jobs:
                rows = [_row(jobs, workload, n, load, load * most) for n, load in enumerate(LOADS, 1)]
    show(rows, f"{workload.name}: {most:.1f} jobs/s at most; from sent to read back, Poisson arrivals.")
    return {"most_jobs_per_s": most, "loads": rows}


def _row(jobs: Jobs, workload: Workload, number: int, load: float, rate: float) -> Row:
    count = max(LEAST_JOBS, round(rate * LEAST_S))
    found = arrivals(jobs, workload.from_round(number), rate, count)
    return {
        "load": load, "jobs_per_s": rate, "jobs": count,
        "p50_ms": 1e3 * percentile(found, 50), "p99_ms": 1e3 * percentile(found, 99),
    }  # fmt: skip


def arrivals(jobs: Jobs, workload: Workload, rate: float, count: int) -> Sequence[float]:
    """The seconds that each of `count` jobs took; they are sent at random, at `rate` a second, in an open loop."""
    sent: dict[str, float] = {}
    reader = threading.Thread(target=lambda: took.extend(_read(jobs, sent, count)))
    took: list[float] = []
    reader.start()
    chance, due = random.Random(SEED), time.monotonic()
    for n in range(count):
        due += chance.expovariate(rate)
        time.sleep(max(0.0, due - time.monotonic()))
        label = f"{rate:.6f}-{n}"
        sent[label] = due
        jobs.send(workload.one(n), label)
    reader.join()
    return took


def _read(jobs: Jobs, sent: dict[str, float], count: int) -> Sequence[float]:
    took: list[float] = []
    while len(took) < count:
        ended = jobs.ended(WAIT_MS)
        if failed := [outcome.failure for outcome in ended if outcome.failure]:
            raise RuntimeError(f"a job failed: {failed[0]}")
        took += [time.monotonic() - sent[outcome.run_id] for outcome in ended]
    return took
