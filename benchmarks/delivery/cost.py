"""The cost of a job: released, sent, claimed, committed and advanced; in turns with raw Celery on the same Redis."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.delivery.cluster import NOOP, DeliveryCluster, delivery_cluster
from benchmarks.delivery.peer import PLAIN, TUNED, Peer
from benchmarks.delivery.tables import Row, show
from benchmarks.scale.cluster import cpu_s

OURS = "manyhands"
SLOTS = 16
FLOOR_S = 0.5
CAPTION = """
Median of the turns; `ratio` is that of the ratios of neighbours in time. manyhands: from the first jobs of a
goal released to its end saved, by Redis's clock. Celery: no-op tasks, late acknowledgement, no result, from all
messages on the queue at once to the last acknowledged; `tuned` has manyhands' options of Celery. CPU in ms a
job.
"""


@dataclass(frozen=True)
class Turn:
    """The jobs of one turn, done by one of the three contenders."""

    jobs_per_s: float
    worker_ms: float  #: CPU time per job, summed over the workers
    coordinator_ms: float
    redis_ms: float


def cost(jobs: int = 1500, turns: int = 5, most_workers: int = 2) -> Row:
    rows: list[Row] = []
    with delivery_cluster(slots=SLOTS) as cluster, _peer(cluster, PLAIN) as plain, _peer(cluster, TUNED) as tuned:
        floor = round_trips(cluster)
        cluster.start_coordinators(1)
        for workers in range(1, most_workers + 1):
            cluster.start_workers([NOOP])
            runs = {PLAIN: _celery(cluster, plain), TUNED: _celery(cluster, tuned), OURS: lambda n: _ours(cluster, n)}
            for peer in (plain, tuned):
                peer.start_worker(SLOTS)
            rows += _rows(workers, in_turns(runs, jobs, turns))
    show(rows, CAPTION)
    show([floor], "The floor: round trips of one client, one after the other.")
    return {"jobs": jobs, "turns": turns, "rows": rows, "floor": floor}


def in_turns(runs: dict[str, Callable[[int], Turn]], jobs: int, turns: int) -> dict[str, list[Turn]]:
    """Run each in turn, so that other load on this machine meets all alike; a first turn warms up."""
    for run in runs.values():
        run(jobs // 2)
    done: dict[str, list[Turn]] = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            done[name].append(run(jobs))
    return done


def _rows(workers: int, done: dict[str, list[Turn]]) -> list[Row]:
    fields = ("worker_ms", "coordinator_ms", "redis_ms")
    return [
        {
            "": name,
            "workers": workers,
            "jobs_per_s": round(statistics.median(turn.jobs_per_s for turn in turns), 1),
            "ratio": round(statistics.median(map(_ratio, turns, done[PLAIN])), 3),
            **{name: round(statistics.median(getattr(turn, name) for turn in turns), 3) for name in fields},
        }
        for name, turns in done.items()
    ]


def _ratio(one: Turn, other: Turn) -> float:
    return one.jobs_per_s / other.jobs_per_s


def _ours(cluster: DeliveryCluster, jobs: int) -> Turn:
    before = cluster.usage()
    run_id = cluster.submit(jobs)
    cluster.await_ended(run_id)
    after = cluster.usage()
    spent_ms = {group: 1000 * (after[group].cpu_s - before[group].cpu_s) / jobs for group in after}
    return Turn(jobs / cluster.span_s(run_id), spent_ms["worker"], spent_ms["coordinator"], spent_ms["redis"])


def _celery(cluster: DeliveryCluster, peer: Peer) -> Callable[[int], Turn]:
    def run(jobs: int) -> Turn:
        def cpu() -> tuple[float, float]:
            return sum(cpu_s(process.pid) for process in peer.processes), cluster.usage()["redis"].cpu_s

        before = cpu()
        seconds = peer.run(jobs)
        worker_ms, redis_ms = (1000 * (now - then) / jobs for now, then in zip(cpu(), before, strict=True))
        return Turn(jobs / seconds, worker_ms, 0.0, redis_ms)

    return run


def round_trips(cluster: DeliveryCluster) -> Row:
    script = cluster.client.register_script("return 1")
    script()
    return {
        "ping_per_s": round(_per_s(cluster.client.ping)),
        "evalsha_per_s": round(_per_s(lambda: script(keys=["mh"], args=["1"]))),
    }


def _per_s(call: Callable[[], object]) -> float:
    began, calls = time.monotonic(), 0
    while time.monotonic() < began + FLOOR_S:
        call()
        calls += 1
    return calls / (time.monotonic() - began)


@contextmanager
def _peer(cluster: DeliveryCluster, kind: str) -> Iterator[Peer]:
    peer = Peer(cluster, kind)
    try:
        yield peer
    finally:
        peer.stop()
