"""Load for a cluster, and the jobs done between two marks. Reads the ledger's records; starts no process."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from benchmarks.scale.cluster import SIGMAS, Cluster
from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from infra.records import Event, Job
from specialists.catalog import load_catalog
from workers.engines.scripted import service_s

Json = dict[str, object]
READ_AT_ONCE = 500
WAIT_S = 60.0


@dataclass(frozen=True)
class Done:
    """A job that ended between the marks."""

    worker: str
    at_s: float  #: time of Redis's clock at which the coordinator counted it
    served_s: float  #: the scripted service time


@dataclass(frozen=True)
class Window:
    """The work of a cluster between two marks; all of the cluster worked before and after."""

    workers: int
    coordinators: int
    seconds: float
    done: list[Done]
    cpu_s: dict[str, float]  #: by group of processes
    rss_mb: dict[str, float]  #: the mean over the processes of the group

    @property
    def jobs_per_s(self) -> float:
        return len(self.done) / self.seconds

    @property
    def busy(self) -> float:
        """The share of the workers' time in which they served, from each worker's first end to its last.

        The rest is the cost of the queue, the ledger and the coordinator. A worker that ended fewer than two jobs
        counts as idle.
        """
        by_worker = defaultdict(list)
        for each in sorted(self.done, key=lambda done: done.at_s):
            by_worker[each.worker].append(each)
        several = [ends for ends in by_worker.values() if len(ends) > 1]
        served_s = sum(each.served_s for ends in several for each in ends[1:])
        elapsed_s = sum(ends[-1].at_s - ends[0].at_s for ends in several)
        return served_s / (elapsed_s + (self.workers - len(several)) * self.seconds)

    def cpu_ms_a_job(self, group: str) -> float:
        return 1000 * self.cpu_s[group] / max(1, len(self.done))


def submit_backlog(cluster: Cluster, goals: int, items: int, stages: int = 1) -> list[str]:
    """Submit goals of `items` jobs of each type and stage, all at once; return their ids.

    A stage maps over the outputs of the one before, so coordinators release it.
    """
    takes = Goals(cluster.ledger, load_catalog(cluster.settings.specialists, adapters=False), cluster.settings)
    plan = plan_of(stages)
    return [takes.accept(Goal(plan=plan, inputs={"items": list(range(items))})).id for _ in range(goals)]


def await_ended(cluster: Cluster, run_ids: list[str]) -> None:
    takes = Goals(cluster.ledger, load_catalog(cluster.settings.specialists, adapters=False), cluster.settings)
    for run_id in run_ids:
        if not takes.wait(run_id, WAIT_S).state.ended:
            raise RuntimeError(f"run {run_id} has not ended in {WAIT_S:g} s")


def cancel_all(cluster: Cluster, run_ids: list[str]) -> None:
    takes = Goals(cluster.ledger, load_catalog(cluster.settings.specialists, adapters=False), cluster.settings)
    for run_id in run_ids:
        takes.cancel(run_id)


def plan_of(stages: int) -> Json:
    return {"steps": [step for job_type in SIGMAS for step in _line(job_type, stages)]}


def _line(job_type: str, stages: int) -> Iterator[Json]:
    for stage in range(stages):
        over, item = (f"{job_type}_{stage - 1}", "item.done") if stage else ("inputs.items", "item")
        yield {
            "id": f"{job_type}_{stage}",
            "type": job_type,
            "map": {"over": {"$ref": over}, "as": "item"},
            "args": {"item": {"$ref": item}},
        }


def measure(cluster: Cluster, run_ids: list[str], seconds: float) -> Window:
    """Measure the work of the cluster in the next `seconds`."""
    begin_s, before = _now_s(cluster), cluster.usage()
    time.sleep(seconds)
    end_s, after = _now_s(cluster), cluster.usage()
    return Window(
        workers=len(cluster.workers),
        coordinators=len(cluster.coordinators),
        seconds=end_s - begin_s,
        done=list(_done(cluster, run_ids, begin_s, end_s)),
        cpu_s={group: after[group].cpu_s - before[group].cpu_s for group in after},
        rss_mb={group: usage.rss_mb for group, usage in after.items()},
    )


def _now_s(cluster: Cluster) -> float:
    seconds, microseconds = cluster.client.time()
    return seconds + microseconds / 1e6


def _done(cluster: Cluster, run_ids: list[str], begin_s: float, end_s: float) -> Iterator[Done]:
    scripts = {s.name: s.manifest.script for s in load_catalog(cluster.settings.specialists, adapters=False)}
    ends = [
        (int(entry.partition("-")[0]) / 1000, Job.name(run_id, str(event.data["step"]), int(event.data["index"])))
        for run_id in run_ids
        for entry, event in _events(cluster, run_id, begin_s)
        if event.name == "job.ended"
    ]
    ends = [(at_s, job_id) for at_s, job_id in ends if begin_s <= at_s < end_s]
    for _, some in groupby(enumerate(ends), key=lambda each: each[0] // READ_AT_ONCE):
        chunk = [end for _, end in some]
        with cluster.client.pipeline(transaction=False) as pipe:
            for _, job_id in chunk:
                pipe.hmget(f"{cluster.settings.prefix}:state:{job_id}", ["worker", "committed", "type"])
            for (at_s, _), (worker, token, job_type) in zip(chunk, pipe.execute(), strict=True):
                yield Done(worker, at_s, service_s(scripts[job_type], token))  # an engine's request id is the token


def _events(cluster: Cluster, run_id: str, begin_s: float) -> Iterator[tuple[str, Event]]:
    after = str(int(begin_s * 1000))
    while events := cluster.ledger.events(run_id, after):
        yield from events
        after = events[-1][0]
