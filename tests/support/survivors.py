"""Processes that are to survive whatever happens to their Redis, and what is true of a goal that they did meanwhile."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from coordinator.client import Client, Seen
from infra.ledger.redis.client import client_of
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Job, JobState, Json
from tests.support.eventually import eventually
from tests.support.house import House
from tests.support.inbox import ref
from tests.support.relay import Relay

WAIT_S = 60.0
#: Short, so that what is lost is soon missed.
IMPATIENT = {"lease_s": "4", "slots": "4", "silent_s": "3", "sweep_s": "0.5", "visibility_timeout_s": "5"}

NAPS: Json = {
    "steps": [
        {
            "id": "s1",
            "type": "nap",
            "map": {"over": ref("inputs.naps"), "as": "item"},
            "args": {"seconds": ref("item")},
        }
    ],
    "result": ref("s1"),
}


@dataclass
class Watched:
    """A goal with one client that waits for its end, and one that watches its events."""

    id: str
    naps: int
    waiting: Future[Json]
    watching: Future[None]
    seen: list[Seen] = field(default_factory=list)

    @property
    def ended_jobs(self) -> Counter[int]:
        return Counter(event.data["index"] for event in list(self.seen) if event.name == "job.ended")

    def await_jobs(self, count: int) -> None:
        eventually(lambda: len(self.ended_jobs) >= count or self.watching.done(), f"{count} jobs ended")
        assert not self.watching.done()


@dataclass
class Survivors:
    relay: Relay
    house: House
    _threads: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)

    def move_to(self, port: int) -> None:
        """Point the relay at a server of a test's own; return when they are at work there."""
        self.relay.point_at(port)
        with Client(self.house.url) as client:
            eventually(lambda: self.answers() and bool(client.workers()["workers"]), "the worker found its new Redis")

    def answers(self) -> bool:
        """Whether the ledger answers the API, for a read."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.house.url}/readyz", timeout=30).is_success
        return False

    def refusal(self) -> httpx.Response | None:
        """What the API says to a new goal; None: it was taken in."""
        answer = httpx.post(f"{self.house.url}/v1/goals", json={"plan": NAPS, "inputs": {"naps": [0]}}, timeout=60)
        return None if answer.is_success else answer

    def submit(self, naps: list[float]) -> Watched:
        with Client(self.house.url) as client:
            goal_id: str = client.submit(NAPS, {"naps": naps})["id"]
        seen: list[Seen] = []
        waiting, watching = self._threads.submit(self._wait, goal_id), self._threads.submit(self._watch, goal_id, seen)
        return Watched(goal_id, len(naps), waiting, watching, seen)

    def _wait(self, goal_id: str) -> Json:
        with Client(self.house.url) as client:
            return client.wait(goal_id, 2 * WAIT_S)

    def _watch(self, goal_id: str, seen: list[Seen]) -> None:
        with Client(self.house.url) as client:
            seen.extend(client.events(goal_id))


def away(answer: httpx.Response | None) -> bool:
    """Whether that is how the API refuses while it has no ledger."""
    return answer is not None and answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0


def check_done_once(goal: Watched, redis_url: str) -> None:
    """The goal succeeds for who waits and who watches; by the ledger's records each of its jobs ended once."""
    assert goal.waiting.result(2 * WAIT_S)["state"] == "succeeded"
    goal.watching.result(WAIT_S)
    assert goal.seen[-1].name == "run.ended"
    with client_of(redis_url) as client:
        ledger = RedisLedger(client, "mh")
        names = [Job.name(goal.id, "s1", index) for index in range(goal.naps)]
        assert Counter(status and status.state for status in map(ledger.job, names)) == {JobState.SUCCEEDED: goal.naps}
        assert sorted(ledger.results(goal.id, "s1")) == list(range(goal.naps))
        recorded = Counter(event.data["index"] for _, event in ledger.events(goal.id) if event.name == "job.ended")
        assert recorded == Counter(range(goal.naps))
        eventually(
            lambda: not (ledger.unacknowledged() or client.hlen("mq:unacked") or client.llen("mq:nap")), "all is done"
        )
