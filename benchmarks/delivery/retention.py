"""Whether Redis stops growing while goals end all the time, since ended goals are forgotten after their retention."""

from __future__ import annotations

import bisect
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from benchmarks.delivery.cluster import NOOP, DeliveryCluster, delivery_cluster, goal_of
from benchmarks.delivery.keys import for_ever, key_rows
from benchmarks.delivery.tables import Row, show

RETENTION_S = 15
SAMPLE_S = 0.5
CALLERS = 2
FAILED = 2  #: failing jobs of each goal
CAPTION = f"""
Goals of 100 jobs over HTTP, {CALLERS} at a time, each of a tenant of its own and with an idempotency key;
{FAILED} jobs of each fail. What has ended is kept for {RETENTION_S} s. Redis's data in the middle third of the
time and the last; `bytes_a_job`: by the jobs that ended within the retention before; `growth`: of that.
"""
KEYS_NOTE = """
Keys that never expire, while nothing runs: in the middle, at the end, and when all that ended is forgotten.
`held`: what they hold, in elements.
"""


@dataclass
class Samples:
    at_s: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)  #: number of jobs that have ended so far


def retention(seconds: float = 40.0) -> Row:
    with delivery_cluster(retention_s=RETENTION_S) as cluster:
        http = cluster.start_api()
        cluster.start_coordinators(1)
        cluster.start_workers([NOOP])
        work = _Work(cluster, http)
        work.go_on(seconds)
        middle = for_ever(cluster.client)
        work.go_on(seconds)
        end = for_ever(cluster.client)
        work.idle(RETENTION_S + 5)
        last = for_ever(cluster.client)
        left = cluster.client.dbsize()
    found = summary(work.samples, 2 * seconds) | {"keys_left": left}
    kept = key_rows(middle, end, last)
    show([found], CAPTION)
    show(kept, KEYS_NOTE)
    return {"row": found, "keys": kept, "samples": vars(work.samples)}


class _Work:
    def __init__(self, cluster: DeliveryCluster, http: httpx.Client) -> None:
        self.samples = Samples()
        self._cluster = cluster
        self._http = http
        self._began = time.monotonic()
        self._jobs = 0
        self._base_mb = cluster.data_bytes() / 1e6

    def go_on(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(CALLERS) as callers:
            working = [callers.submit(self._ask_until, until) for _ in range(CALLERS)]
            self._sample_until(until)
        for each in working:
            each.result()

    def idle(self, seconds: float) -> None:
        self._sample_until(time.monotonic() + seconds)

    def _ask_until(self, until: float) -> None:
        goal = goal_of(100).model_dump(include={"plan", "inputs"})
        goal["plan"]["steps"][0]["on_failure"] = "skip"
        goal["inputs"]["items"][:FAILED] = [-1] * FAILED
        while time.monotonic() < until:
            headers = {"Idempotency-Key": uuid4().hex, "X-Tenant": f"tenant-{uuid4().hex}"}
            response = self._http.post("/v1/goals", params={"wait": 60}, json=goal, headers=headers)
            if response.status_code != 202 or response.json()["state"] != "succeeded":
                raise RuntimeError(f"a goal ended otherwise: {response.status_code}: {response.text[:300]}")
            self._jobs += 100

    def _sample_until(self, until: float) -> None:
        while time.monotonic() < until:
            self.samples.at_s.append(round(time.monotonic() - self._began, 2))
            self.samples.mb.append(round(self._cluster.data_bytes() / 1e6 - self._base_mb, 3))
            self.samples.keys.append(self._cluster.client.dbsize())
            self.samples.jobs.append(self._jobs)
            time.sleep(SAMPLE_S)


def summary(samples: Samples, worked_s: float) -> Row:
    thirds = [(n * worked_s / 3, (n + 1) * worked_s / 3) for n in (1, 2)]
    middle_mb, last_mb = (_mean(samples.at_s, samples.mb, *third) for third in thirds)
    middle, last = (
        1e6 * mb / _mean(samples.at_s, kept_jobs(samples), *third)
        for mb, third in zip((middle_mb, last_mb), thirds, strict=True)
    )
    return {
        "retention_s": RETENTION_S,
        "jobs": samples.jobs[-1],
        "middle_mb": round(middle_mb, 2),
        "last_mb": round(last_mb, 2),
        "middle_bytes_a_job": round(middle),
        "last_bytes_a_job": round(last),
        "growth": f"{last / middle - 1:+.1%}",
        "left_mb": samples.mb[-1],
    }


def kept_jobs(samples: Samples) -> list[float]:
    """For each sample, the number of jobs that ended within the retention before it."""
    times, jobs = samples.at_s, samples.jobs
    return [now - jobs[bisect.bisect_left(times, at_s - RETENTION_S)] for at_s, now in zip(times, jobs, strict=True)]


def _mean(at_s: Sequence[float], values: Sequence[float], begin_s: float, end_s: float) -> float:
    return statistics.mean(value for each_s, value in zip(at_s, values, strict=True) if begin_s <= each_s < end_s)
