"""Jobs per second of one worker with 1, 2 and 4 replicas in Ray; ledger, queue, worker process and actors are real.

    python -m benchmarks.ray_replicas [--replicas 1 2 4] [--jobs 400] [--slots 8]

The model is not real: each actor hosts the scripted engine, whose service times are log-normal (median 0.25 s, sigma
0.6), so that the cores that all actors share do not decide the figure. Each round has `--jobs` jobs for each replica.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import Job, JobState, Outcome, RunRecord
from infra.settings import Settings

MEDIAN_S, SIGMA = 0.25, 0.6
START_S = 300.0
MANIFEST = """
name = "echo"
version = "1.0.0"
description = "Answers after a while."
engine = "ray"
[script]
median_s = {median_s}
sigma = {sigma}
any_prompt = true
[ray]
engine = "scripted"
min_replicas = {replicas}
max_replicas = {replicas}
cpus = 0
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Jobs per second by replicas in Ray.")
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--jobs", type=int, default=400, help="for each replica")
    parser.add_argument("--slots", type=int, default=8, help="of each replica")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the children too
    mean_s = MEDIAN_S * math.exp(SIGMA**2 / 2)
    print(f"service times: median {MEDIAN_S} s, mean {mean_s:.3f} s, sigma {SIGMA}; {options.slots} slots a replica")
    print(f"{'replicas':>10}{'jobs':>8}{'seconds':>10}{'jobs/s':>10}{'ideal':>10}{'E(n)':>8}")
    first = None
    for replicas in options.replicas:
        jobs = options.jobs * replicas
        seconds = measure(replicas, jobs, options.slots)
        rate = jobs / seconds
        first = first or rate / replicas
        ideal = replicas * options.slots / mean_s
        efficiency = rate / replicas / first
        print(f"{replicas:10}{jobs:8}{seconds:10.2f}{rate:10.1f}{ideal:10.1f}{efficiency:8.2f}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def measure(replicas: int, jobs: int, slots: int) -> float:
    """The seconds that a worker with `replicas` replicas needs for all the jobs."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis:
        settings = Settings(redis_url=redis.url)
        ledger, queue = RedisLedger.of(settings), CeleryQueue(create_app(settings))
        specialist = write_specialist(Path(folder) / "echo", replicas)
        environment = {
            "MANYHANDS_REDIS_URL": redis.url,
            "MANYHANDS_SPECIALISTS": json.dumps([str(specialist)]),
            "MANYHANDS_SLOTS": str(slots),
            "MANYHANDS_LOG_LEVEL": "ERROR",
        }
        with child([sys.executable, "-m", "workers.app", "echo"], environment):
            run(ledger, queue, "warm", jobs // 2)  # the worker starts with one replica, and the others open meanwhile
            started = time.monotonic()
            run(ledger, queue, "measured", jobs)
            seconds = time.monotonic() - started
        queue.close()
        ledger.close()
    return seconds


def write_specialist(folder: Path, replicas: int) -> Path:
    folder.mkdir()
    (folder / "specialist.toml").write_text(MANIFEST.format(median_s=MEDIAN_S, sigma=SIGMA, replicas=replicas))
    word = {"type": "string", "maxLength": 20}
    schema = {"type": "object", "properties": {"word": word}, "required": ["word"], "additionalProperties": False}
    for side in ("input", "output"):
        (folder / f"{side}.schema.json").write_text(json.dumps(schema))
    (folder / "examples.jsonl").write_text(json.dumps({"input": {"word": "tea"}, "output": {"word": "tea"}}) + "\n")
    return folder


@contextmanager
def child(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def run(ledger: RedisLedger, queue: CeleryQueue, run_id: str, count: int) -> None:
    """Return when all of the run's jobs have succeeded, each exactly once."""
    jobs = [
        Job(id=Job.name(run_id, "s1", n), type="echo", input={"word": f"w{n}"}, run_id=run_id, step_id="s1", index=n)
        for n in range(count)
    ]
    record = RunRecord(id=run_id, created_ms=0, body={})
    ledger.create_run(record, jobs, [])
    for job_type, job_id in ledger.take_ready(count):
        queue.send(job_type, job_id)
    ended: dict[str, Outcome] = {}
    until = time.monotonic() + START_S
    while len(ended) < count and time.monotonic() < until:
        new = ledger.outcomes("bench", 1000, 1000)
        ended |= dict(new)
        ledger.acknowledge([entry for entry, _ in new])
    states = [outcome.state for outcome in ended.values()]
    if states != [JobState.SUCCEEDED] * count or len({outcome.job_id for outcome in ended.values()}) != count:
        raise SystemExit(f"{count} jobs were sent, {states.count(JobState.SUCCEEDED)} outcomes succeeded")


if __name__ == "__main__":
    main()
