"""Maps of more and more items: whether time and memory stay in proportion, and the size of a waiting job in Redis."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from benchmarks.delivery.cluster import NOOP, DeliveryCluster, delivery_cluster
from benchmarks.delivery.tables import Row, show

#: Items of a map -> how often that map is run.
SIZES = MappingProxyType({100: 9, 1_000: 3, 10_000: 1})
SETTLE_S = 2.0
CAPTION = """
One worker of a no-op function, and a coordinator of its own for each size. `ms_a_job`: from accepting the goal
to its end seen, the median. `peak_mb`: of the coordinator's memory, and over what it was before the goals.
`bytes_waiting`: of Redis for a job that waits, before anybody takes it.
"""


def growing_map(sizes: Mapping[int, int] = SIZES) -> Row:
    with delivery_cluster() as cluster:
        cluster.start_workers([NOOP])
        bytes_waiting(cluster, 100)  # the first jobs also load scripts and names of types, which is no cost of a job
        rows = [row_of(cluster, items, runs) for items, runs in sizes.items()]
    show(rows, CAPTION)
    return {"rows": rows}


def row_of(cluster: DeliveryCluster, items: int, runs: int) -> Row:
    waiting = bytes_waiting(cluster, items)
    cluster.start_coordinators(1)
    time.sleep(SETTLE_S)  # by then it has loaded its code
    cluster.await_ended(cluster.submit(10))
    pid, before = cluster.coordinators[0].pid, cluster.usage()["coordinator"].cpu_s
    idle_mb = peak_mb(pid)
    seconds = [seconds_of(cluster, items) for _ in range(runs)]
    spent_s, peak = cluster.usage()["coordinator"].cpu_s - before, peak_mb(pid)
    cluster.stop(cluster.coordinators)
    return {
        "items": items,
        "runs": runs,
        "seconds": round(statistics.median(seconds), 2),
        "ms_a_job": round(1000 * statistics.median(seconds) / items, 3),
        "coordinator_ms_a_job": round(1000 * spent_s / items / runs, 3),
        "peak_mb": round(peak, 1),
        "over_idle_mb": round(peak - idle_mb, 1),
        "bytes_waiting": round(waiting),
    }


def bytes_waiting(cluster: DeliveryCluster, items: int) -> float:
    """Redis's memory in bytes for a waiting job of a map, while no coordinator sends it."""
    before = cluster.data_bytes()
    run_id = cluster.submit(items)
    found = (cluster.data_bytes() - before) / items
    cluster.goals.cancel(run_id)
    return found


def seconds_of(cluster: DeliveryCluster, items: int) -> float:
    began = time.monotonic()
    cluster.await_ended(cluster.submit(items))
    return time.monotonic() - began


def peak_mb(pid: int) -> float:
    """The most memory that the process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6
