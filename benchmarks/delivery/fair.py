"""Tenants share a long backlog by weight: their shares, the cost of the length, and the wait of high priority."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from benchmarks.delivery.cluster import NOOP, DeliveryCluster, delivery_cluster, goal_of
from benchmarks.delivery.tables import Row, show
from benchmarks.scale.hands import Hands
from coordinator.goals.idempotency import Asking
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import Priority

WEIGHTS = MappingProxyType({"one": 1, "two": 2, "four": 4})
MARKS = (0.2, 0.5)  #: the shares are measured when these shares of all jobs have been taken
ITEMS = 1_000  #: jobs of a goal
SHORT = 1_000  #: jobs of each tenant in a short backlog
HIGH = 5  #: number of high-priority jobs, one after the other
#: Longer than the benchmark takes: new jobs of a higher class do not overtake all of a backlog older than this.
AGEING_S = 600.0
IDLE_S = 0.001
WAIT_S = 60.0
CAPTION = """
Jobs in the order in which they were taken off the queue. `error`: of the share, by what the weights say.
"""
BACKLOG_CAPTION = """
`take_ready_ms`: one call that fills an empty window, the median; `a_job_us`: of it, for each job taken.
"""
HIGH_NOTE = f"""
A job of the high class, submitted when so many wait: how many others were taken off the queue before it, and
how long that took. What is on the queue already is overtaken by nobody. MANYHANDS_AGEING_S is {AGEING_S:g}
here.
"""


@dataclass
class Serving:
    """The hands, and the jobs that they have taken so far."""

    hands: Hands
    job_type: str
    served: list[str] = field(default_factory=list)  #: ids of jobs in the order in which they were taken

    def more(self, jobs: int) -> None:
        """Take `jobs` more jobs, or a few more than that."""
        goal = len(self.served) + jobs
        self._until(lambda: len(self.served) >= goal)

    def until(self, job_id: str) -> int:
        """Take jobs until `job_id` was taken; return how many others came before it."""
        before = len(self.served)
        self._until(lambda: job_id in self.served[before:])
        return self.served.index(job_id, before) - before

    def empty(self) -> None:
        while self._once():
            pass

    def _until(self, done: Callable[[], bool]) -> None:
        late = time.monotonic() + WAIT_S
        while not done():
            if not self._once():
                time.sleep(IDLE_S)
            if time.monotonic() > late:
                raise RuntimeError(f"only {len(self.served)} jobs were sent to be served")

    def _once(self) -> int:
        taken = self.hands.work(self.job_type)
        self.served += taken
        return len(taken)


def fair(jobs: int = 100_000, weights: Mapping[str, int] = WEIGHTS) -> Row:
    tenants = {name: {"weight": weight} for name, weight in weights.items()}
    with delivery_cluster(tenants=tenants, backlog=2 * jobs, tenant_backlog=jobs, ageing_s=AGEING_S) as cluster:
        serving = Serving(Hands(cluster.client, cluster.settings), NOOP)
        owners = fill(cluster, weights, SHORT)
        lines = [backlog_row(cluster, serving, len(weights) * SHORT)]
        before = cluster.data_bytes()
        new = fill(cluster, weights, jobs // len(weights))
        waiting = jobs // len(weights) * len(weights)
        bytes_waiting = (cluster.data_bytes() - before) / waiting
        lines.append(backlog_row(cluster, serving, waiting))
        serving.served.clear()
        cluster.start_coordinators(1)
        shares = share_rows(serving, {**owners, **new}, weights, waiting)
        all_wait = sorted(cluster.ledger.loads([NOOP])[NOOP].ready[Priority.NORMAL])
        high = high_rows(cluster, serving)
    show(shares, f"{CAPTION.strip()} At the end of that, of these tenants jobs still waited: {', '.join(all_wait)}.")
    show(lines, f"{BACKLOG_CAPTION.strip()} Redis's memory for a waiting job: {bytes_waiting:,.0f} bytes.")
    show(high, HIGH_NOTE)
    return {"jobs": waiting, "shares": shares, "lines": lines, "high": high, "bytes_waiting": round(bytes_waiting)}


def fill(cluster: DeliveryCluster, weights: Mapping[str, int], jobs: int) -> dict[str, str]:
    """Submit `jobs` jobs for each tenant, in goals that take turns; return run id -> tenant."""
    owners = {}
    for first in range(0, jobs, ITEMS):
        for tenant in weights:
            goal = goal_of(min(ITEMS, jobs - first))
            owners[cluster.goals.accept(goal, Asking(tenant=tenant)).id] = tenant
    return owners


def backlog_row(cluster: DeliveryCluster, serving: Serving, waiting: int, rounds: int = 8) -> Row:
    """The cost of taking jobs from a backlog of that length. No coordinator runs; this process sends what it takes."""
    queue, settings, times, taken = CeleryQueue(create_app(cluster.settings)), cluster.settings, [], 0
    for _ in range(rounds):
        began = time.monotonic()
        jobs = cluster.ledger.take_ready(settings.window, settings.tenant_weights, settings.ageing_s)
        times.append(1000 * (time.monotonic() - began))
        taken += len(jobs)
        queue.send_all(jobs)
        serving.empty()
    queue.close()
    a_job_us = 1000 * sum(times) / taken
    return {"waiting": waiting, "take_ready_ms": round(statistics.median(times), 2), "a_job_us": round(a_job_us, 1)}


def share_rows(serving: Serving, owners: Mapping[str, str], weights: Mapping[str, int], waiting: int) -> list[Row]:
    """One row for each tenant, with its share at each of the marks."""
    columns: list[dict[str, float]] = []
    for mark in MARKS:
        serving.more(round(mark * waiting) - len(serving.served))
        columns.append(shares(serving.served[: round(mark * waiting)], owners))
    return [_share_row(name, weight / sum(weights.values()), columns) for name, weight in weights.items()]


def shares(served: Sequence[str], owners: Mapping[str, str]) -> dict[str, float]:
    counts = Counter(owners[job_id.partition(".")[0]] for job_id in served)
    return {tenant: count / len(served) for tenant, count in counts.items()}


def _share_row(tenant: str, due: float, columns: Sequence[Mapping[str, float]]) -> Row:
    row: Row = {"tenant": tenant, "due": round(due, 4)}
    for mark, column in zip(MARKS, columns, strict=True):
        row[f"at {mark:.0%}"] = round(column[tenant], 4)
        row[f"error {mark:.0%}"] = f"{column[tenant] / due - 1:+.1%}"
    return row


def high_rows(cluster: DeliveryCluster, serving: Serving) -> list[Row]:
    goal = goal_of(1).model_copy(update={"priority": Priority.HIGH})
    rows = []
    for _ in range(HIGH):
        load = cluster.ledger.loads([NOOP])[NOOP]
        began = time.monotonic()
        before = serving.until(f"{cluster.goals.accept(goal, Asking(tenant='one')).id}.s1.0")
        took_ms = 1000 * (time.monotonic() - began)
        rows.append({"waiting": load.jobs, "on the queue": load.sent, "before it": before, "ms": round(took_ms, 1)})
        serving.more(1_000)
    return rows
