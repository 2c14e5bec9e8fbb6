"""How fast jobs are accepted: a thousand at once beside raw Celery's `delay`, one over HTTP, and the hops behind it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import httpx

from benchmarks.delivery.cluster import NOOP, DeliveryCluster, delivery_cluster, goal_of
from benchmarks.delivery.peer import PLAIN, Peer
from benchmarks.delivery.tables import Row, percentile, show
from benchmarks.scale.cluster import STAMP
from benchmarks.scale.hops import measure_hops

BULK_NOTE = """
Median of the turns, nobody at work meanwhile. `times_delay`: how many times as fast as one `delay` after the
other, the median of neighbours in time.
"""
DELAY = "Celery: delay, one by one"


def submit(jobs: int = 1000, turns: int = 7, single: int = 300, hop_goals: int = 60) -> Row:
    bulk = bulk_rows(jobs, turns)
    show(bulk, BULK_NOTE)
    alone = alone_rows(single, hop_goals)
    show(alone, "One at a time, on an idle cluster of one coordinator and two workers.")
    return {"jobs": jobs, "turns": turns, "bulk": bulk, "alone": alone}


def bulk_rows(jobs: int, turns: int) -> list[Row]:
    with delivery_cluster() as cluster:
        http, peer = cluster.start_api(), Peer(cluster, PLAIN)
        ways: dict[str, Callable[[], object]] = {
            DELAY: lambda: [peer.task.delay(item) for item in range(jobs)],
            "Celery: one producer, in a batch": lambda: peer.queue_at_once(jobs),
            "manyhands: Goals.accept": lambda: cluster.submit(jobs),
            "manyhands: POST /v1/goals": lambda: post_goal(http, jobs),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(turns + 1):
            for name, way in ways.items():
                took_s = timed(way)
                if turn:  # the first turn warms up
                    seconds[name].append(took_s)
            cancel_all(cluster)
            peer.purge()
        peer.stop()
    return [_bulk_row(name, jobs, times, seconds[DELAY]) for name, times in seconds.items()]


def _bulk_row(name: str, jobs: int, times: list[float], delays: list[float]) -> Row:
    return {
        "": name,
        "ms": round(1000 * statistics.median(times), 1),
        "jobs_per_s": round(jobs / statistics.median(times)),
        "times_delay": round(statistics.median(map(lambda own, delay: delay / own, times, delays)), 2),
    }


def post_goal(http: httpx.Client, jobs: int) -> None:
    goal = goal_of(jobs).model_dump(include={"plan", "inputs"})
    response = http.post("/v1/goals", json=goal)
    if response.status_code != 202:
        raise RuntimeError(f"POST /v1/goals of {jobs} jobs answered {response.status_code}: {response.text[:300]}")


def cancel_all(cluster: DeliveryCluster) -> None:
    for run in cluster.goals.recent(10):
        cluster.goals.cancel(run.id)


def alone_rows(single: int, hop_goals: int) -> list[Row]:
    with delivery_cluster(slots=1) as cluster:
        http = cluster.start_api()
        cluster.start_coordinators(1)
        cluster.start_workers([NOOP, STAMP])
        posts = [1000 * timed(lambda: post_job(http)) for _ in range(single + 20)][20:]
        time.sleep(1)
        hops = measure_hops(cluster, hop_goals).rows()
    row = ("POST /v1/jobs -> 202", statistics.median(posts), percentile(posts, 99))
    return [{"": name, "p50_ms": round(p50, 2), "p99_ms": round(p99, 2)} for name, p50, p99 in (row, *hops)]


def post_job(http: httpx.Client) -> None:
    response = http.post("/v1/jobs", json={"type": NOOP, "input": {"item": 1}})
    if response.status_code != 202:
        raise RuntimeError(f"POST /v1/jobs answered {response.status_code}: {response.text[:300]}")


def timed(way: Callable[[], object]) -> float:
    began = time.monotonic()
    way()
    return time.monotonic() - began
