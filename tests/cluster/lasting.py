"""A goal whose jobs last, and what a part of the cluster held of it when it was killed or cut off.

A model may be done with a job before a signal reaches its worker, however many jobs there are. A nap is not: it lasts
longer than it takes to look which jobs a part holds, and to kill it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from coordinator.client import Client
from infra.records import Job, Json
from tests.cluster.cluster import Cluster
from tests.support.eventually import eventually
from tests.support.inbox import each, ref

STEPS: list[Json] = [
    each("s1", "triage"),
    each("s2", "entities"),
    {"id": "s3", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1"), ref("s2")]}},
]
PLAN: Json = {"steps": STEPS, "result": ref("s3")}
NAP: Json = {
    "id": "s4", "type": "nap", "map": {"over": ref("inputs.naps"), "as": "item"}, "args": {"seconds": ref("item")}
}  # fmt: skip
#: Without a result of its own, so that its result is the table and the naps.
LASTING: Json = {"steps": [*STEPS, NAP]}
#: Seconds; more of them than three workers have slots, so that some wait on the queue.
NAPS = [12.0] * 56
WAIT_S = 120


@dataclass(frozen=True)
class Held:
    """The naps that a part of the cluster held at a moment."""

    naps: list[int]  #: indices
    by: str = ""  #: the worker


def submit(client: Client, messages: list[str]) -> str:
    return str(client.submit(LASTING, {"messages": messages, "naps": NAPS})["id"])


def nap(client: Client, goal_id: str, index: int) -> Json:
    return client.get_job(Job.name(goal_id, "s4", index))


def at_work(client: Client, goal_id: str) -> dict[int, str]:
    """The naps that run, each with its worker."""
    views = {index: nap(client, goal_id, index) for index in range(len(NAPS))}
    return {index: str(view["worker"]) for index, view in views.items() if view["state"] == "running"}


def a_worker_at_work(client: Client, goal_id: str) -> str:
    """One that holds a nap."""
    return next(iter(eventually(lambda: at_work(client, goal_id), within_s=WAIT_S).values()))


def held_by(client: Client, goal_id: str, worker: str) -> Held:
    running = at_work(client, goal_id)
    held = Held([index for index, holder in running.items() if holder == worker], worker)
    assert held.naps, f"{worker} held no job: nothing would be shown; {len(running)} run elsewhere"
    return held


def assert_taken_over(client: Client, goal_id: str, held: Held) -> int:
    """Each nap that was held took another attempt; their number."""
    attempts = {index: nap(client, goal_id, index)["attempt"] for index in held.naps}
    assert min(attempts.values()) > 1, f"taken over from {held.by}, by their attempts: {attempts}"
    return len(attempts)


def assert_ended_after(client: Client, goal_id: str, held: Collection[str], moment_ms: float) -> int:
    """Each of these jobs of the goal ended after the moment, by the time at which the ledger noted it; their number."""
    ended_ms = {
        Job.name(goal_id, event.data["step"], event.data["index"]): int(event.id.partition("-")[0])
        for event in client.events(goal_id)
        if event.name == "job.ended"
    }
    early = [job_id for job_id in held if ended_ms[job_id] <= moment_ms]
    assert held, "no job was held: nothing would be shown"
    assert not early, f"{len(early)} of {len(held)} jobs had ended before, such as {early[0]}"
    return len(held)


def held_by_redis(cluster: Cluster, what: str) -> list[str]:
    """The naps whose leases (`running`) or messages that no worker has claimed (`sent`) are in Redis."""
    return cluster.redis("coordinator", "ZRANGE", f"mh:{what}:nap", "0", "-1").split()


def unacknowledged(cluster: Cluster) -> list[str]:
    """The jobs whose outcomes a coordinator was handed and has not acknowledged."""
    told = cluster.redis("coordinator", "XPENDING", "mh:outcomes", "coordinator", "-", "+", "1000")
    entries = [word for word in told.split() if re.fullmatch(r"\d+-\d+", word)]
    return [job_id for entry in entries for job_id in _job_of(cluster, entry)]


def _job_of(cluster: Cluster, entry: str) -> list[str]:
    """None where it was acknowledged meanwhile."""
    told = cluster.redis("coordinator", "XRANGE", "mh:outcomes", entry, entry)
    return [json.loads(line)["job_id"] for line in told.splitlines() if line.startswith("{")]


def freeze_with_outcomes(cluster: Cluster, coordinator: str) -> list[str]:
    """Freezes the coordinator with outcomes in hand: those that it read, or that its waiting read brings it; their
    jobs."""

    def held() -> list[str] | None:
        cluster.freeze(coordinator)
        try:
            return eventually(lambda: unacknowledged(cluster), within_s=5)
        except AssertionError:
            cluster.thaw(coordinator)  # it was between two reads
            return None

    return eventually(held, "a coordinator with outcomes in hand", within_s=WAIT_S)
