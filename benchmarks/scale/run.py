"""How capacity grows with workers: efficiency, the cost of each job, hops, and hosts that are far from Redis.

    python -m benchmarks.scale [--quick] [--plots] [--out FOLDER]

The processes are real and on this machine: Redis, coordinators, workers of the engine `scripted`. It prints tables and
writes `scale.json`, and with `--plots` also pictures. docs/scale.md says how everything is measured, and what it means.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.hosts import GATEWAY, Hosts, Relay, why_not
from benchmarks.scale.cluster import SIGMAS, STAMP, Cluster
from benchmarks.scale.hops import measure_hops
from benchmarks.scale.load import Window, await_ended, cancel_all, measure, submit_backlog

ITEMS = 25  #: jobs of each type in a goal
GROUPS = ("coordinator", "worker", "redis")
Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """The size of one run of the benchmark."""

    workers: Sequence[int]
    coordinators: Sequence[int]  #: more than one; tried with the most workers
    mean_s: float  #: mean of the service times; each worker serves one job at a time
    settle_s: float  #: time for new workers to get their first jobs
    window_s: float
    goals: int  #: goals of 100 jobs each in the backlog
    hop_goals: int
    hosts: int
    delays_ms: Sequence[float]  #: one way, between hosts and Redis


FULL = Size((1, 2, 4, 8, 16, 32, 64), (2, 4), 1.0, 3.0, 12.0, 100, 100, 16, (0, 1, 5, 20))
QUICK = Size((1, 4, 16), (2,), 0.5, 2.0, 5.0, 20, 30, 4, (0, 5))


def main() -> None:
    options = read_options()
    size = QUICK if options.quick else FULL
    signal.signal(signal.SIGTERM, end)
    started = time.monotonic()
    result: Row = {"machine": machine(), "size": vars(size)}
    result["hops"] = hops(size)
    result["growth"] = growth(size)
    result["saturation"] = saturation(size)
    result["hosts"] = far(size, result["growth"]["windows"][0]["busy"])
    result["seconds"] = round(time.monotonic() - started)
    result["machine"]["load"] = [result["machine"]["load"], os.getloadavg()[0]]
    write(result, options)


def end(*_: object) -> None:
    """End the process so that its children end too, even if the signal comes twice, as `timeout` sends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How capacity grows with workers.")
    parser.add_argument("--quick", action="store_true", help="up to 16 workers, short windows: under 90 seconds")
    parser.add_argument("--plots", action="store_true", help="draw scale-*.png too")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of scale.json and the pictures")
    return parser.parse_args()


def machine() -> Row:
    return {"cores": os.cpu_count(), "load": os.getloadavg()[0], "at": time.strftime("%Y-%m-%d %H:%M")}


def hops(size: Size) -> list[Row]:
    print("Idle: one coordinator, one worker, instant jobs, one goal at a time", flush=True)
    with cluster_for(0.0) as cluster:
        cluster.start_coordinators(1)
        cluster.start_workers([STAMP])
        time.sleep(size.settle_s)
        found = measure_hops(cluster, size.hop_goals).rows()
    rows = [{"hop": name, "p50_ms": round(p50, 2), "p99_ms": round(p99, 2)} for name, p50, p99 in found]
    show(rows)
    return rows


def growth(size: Size) -> Row:
    """Give one backlog to more and more workers, then to more coordinators with the most workers; then let all idle."""
    print(f"\nGrowing: one job at a time a worker, {size.mean_s:g} s in the mean, {len(SIGMAS)} job types", flush=True)
    windows: list[Window] = []
    with cluster_for(size.mean_s) as cluster:
        cluster.start_coordinators(1)
        time.sleep(1)
        connections_before, bytes_before = cluster.connections(), cluster.redis_bytes()
        runs = submit_backlog(cluster, size.goals, ITEMS)
        bytes_a_job = (cluster.redis_bytes() - bytes_before) / (size.goals * ITEMS * len(SIGMAS))
        for workers in size.workers:
            cluster.start_workers(list(islice(cycle(SIGMAS), len(cluster.workers), workers)))
            windows.append(window(cluster, runs, size, windows))
        connections = (cluster.connections() - connections_before) / len(cluster.workers)
        for coordinators in size.coordinators:
            cluster.start_coordinators(coordinators - len(cluster.coordinators))
            windows.append(window(cluster, runs, size, windows))
        refused = cluster.log_count("claim refused")
        cancel_all(cluster, runs)
        idle = idle_row(cluster, size)
    facts = {"bytes_a_waiting_job": round(bytes_a_job), "connections_a_worker": connections, "claims_refused": refused}
    show([facts])
    return {"windows": [row_of(each, windows[0]) for each in windows], "idle": idle, **facts}


def window(cluster: Cluster, runs: list[str], size: Size, before: list[Window]) -> Window:
    time.sleep(size.settle_s)
    found = measure(cluster, runs, size.window_s)
    show([row_of(found, before[0] if before else found)], head=not before)
    return found


def row_of(found: Window, alone: Window) -> Row:
    """The figures of a window; `alone`: the window of one worker that has the machine to itself."""
    return {
        "workers": found.workers,
        "coordinators": found.coordinators,
        "jobs_per_s": round(found.jobs_per_s, 2),
        "busy": round(found.busy, 4),
        "efficiency": round(found.busy / alone.busy, 4),
        **{f"{group}_ms": round(found.cpu_ms_a_job(group), 3) for group in GROUPS},
        **{f"{group}_mb": round(found.rss_mb[group], 1) for group in GROUPS},
    }


def idle_row(cluster: Cluster, size: Size) -> Row:
    """The CPU time that waiting for work costs each process."""
    cluster.await_empty_queues()
    time.sleep(size.settle_s)
    found = measure(cluster, [], size.window_s)
    spent = {name: 1000 * found.cpu_s[name] / found.seconds for name in GROUPS}  # ms in each second
    row = {
        "idle_workers": found.workers,
        "worker_ms_s": round(spent["worker"] / found.workers, 2),
        "redis_ms_s": round(spent["redis"] / found.workers, 3),
        "coordinator_ms_s": round(spent["coordinator"] / found.coordinators, 2),
    }
    show([row])
    return row


def saturation(size: Size) -> Row:
    """The most that one coordinator and Redis carry: instant jobs in two stages, done by hands that cost little."""
    print("\nSaturated: instant jobs, one coordinator, hands that claim and commit by the hundred", flush=True)
    with cluster_for(0.0) as cluster:
        cluster.start_hands(1)
        cluster.start_coordinators(1)
        bytes_a_job = ended_bytes(cluster)
        runs = submit_backlog(cluster, goals=round(7 * size.window_s), items=100, stages=2)
        found = measure(cluster, runs, size.window_s / 2)
        left = sum(depths["ready"] for depths in cluster.ledger.depths().values())
    row: Row = {"jobs_per_s": round(found.jobs_per_s, 1), "jobs_left": left, "bytes_an_ended_job": round(bytes_a_job)}
    row |= {f"{group}_ms": round(found.cpu_ms_a_job(group), 3) for group in GROUPS}
    row |= {f"{group}_cores": round(found.cpu_s[group] / found.seconds, 2) for group in GROUPS}
    show([row])
    return row


def ended_bytes(cluster: Cluster) -> float:
    """Redis's memory in bytes for each job of ended goals: its input, outcome, result and events."""
    before = cluster.redis_bytes()
    runs = submit_backlog(cluster, goals=2, items=100, stages=2)
    await_ended(cluster, runs)
    return (cluster.redis_bytes() - before) / (2 * 100 * 2 * len(SIGMAS))


def far(size: Size, alone_busy: float) -> list[Row]:
    """Measure workers on hosts of their own, at several delays from Redis; the coordinator is beside Redis."""
    if reason := why_not():
        print(f"\nNo hosts: {reason}")
        return []
    print(f"\nFar: {size.hosts} hosts of one worker each", flush=True)
    with Hosts(size.hosts + 1) as hosts, cluster_for(size.mean_s) as cluster, Relay(cluster.redis.port) as relay:
        cluster.start_coordinators(1)
        for n, job_type in enumerate([*islice(cycle(SIGMAS), size.hosts), STAMP]):
            cluster.start_worker(job_type, relay.port, GATEWAY, hosts.inside(n))
        cluster.await_workers()
        hops = [far_hops(cluster, relay, delay_ms, size) for delay_ms in size.delays_ms]
        cluster.stop([cluster.workers.pop()])  # the worker of the hops
        runs = submit_backlog(cluster, size.goals // 2, ITEMS)
        rows = [
            {"delay_ms": delay_ms, **far_row(cluster, relay, delay_ms, runs, size, alone_busy), **hop}
            for delay_ms, hop in zip(size.delays_ms, hops, strict=True)
        ]
        relay.delay_s = 0
        cluster.stop(cluster.workers)  # while they still reach Redis
    show(rows)
    return rows


def far_hops(cluster: Cluster, relay: Relay, delay_ms: float, size: Size) -> Row:
    relay.delay_s = delay_ms / 1000
    time.sleep(1)
    _, p50, p99 = measure_hops(cluster, size.hop_goals // 10).rows()[1]
    return {"hop_p50_ms": round(p50, 2), "hop_p99_ms": round(p99, 2)}


def far_row(cluster: Cluster, relay: Relay, delay_ms: float, runs: list[str], size: Size, alone_busy: float) -> Row:
    relay.delay_s = delay_ms / 1000
    time.sleep(size.settle_s)
    found = measure(cluster, runs, size.window_s)
    return {
        "workers": found.workers,
        "jobs_per_s": round(found.jobs_per_s, 2),
        "busy": round(found.busy, 4),
        "efficiency": round(found.busy / alone_busy, 4),
    }


@contextmanager
def cluster_for(mean_s: float) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder), mean_s) as cluster:
        yield cluster


def show(rows: list[Row], head: bool = True) -> None:
    for number, row in enumerate(rows):
        if head and number == 0:
            print("  ".join(f"{name:>12}" for name in row))
        print("  ".join(f"{value:>12}" for value in row.values()), flush=True)


def write(result: Row, options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "scale.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n{result['seconds']} s; load {result['machine']['load']}; written to {options.out / 'scale.json'}")
    if options.plots:
        from benchmarks.scale.plots import draw

        draw(result, options.out)
