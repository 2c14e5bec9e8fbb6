"""Replicas: actors, what each works on and how it is. Knows nothing of how many there should be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import Any

import ray

from workers.engines import Completion, EngineStats, Finish, Request
from workers.engines.ray_actor import Health

#: Called in a thread of Ray's with what an actor returned, or with its death.
Told = Callable[[Future[Any]], object]


class State(StrEnum):
    STARTING = "starting"  #: waits for a place in the cluster, or loads
    READY = "ready"
    DRAINING = "draining"  #: gets no more requests, and is stopped when it has none


@dataclass(eq=False)
class Trip:
    """One request on its way: through the queue, to a replica, and to another one if that dies."""

    request: Request
    future: Future[Completion] = field(default_factory=Future)
    began_at: float = field(default_factory=time.monotonic)
    replica: Replica | None = None  #: that works on it
    deaths: int = 0  #: of replicas that worked on it
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.future.set_running_or_notify_cancel()  # from here on only the engine ends it

    @property
    def early(self) -> Finish | None:
        """How it ends if no replica need work on it any more."""
        if self.cancelled:
            return Finish.CANCELLED
        if self.request.deadline is not None and time.monotonic() >= self.request.deadline:
            return Finish.DEADLINE
        return None


class Replica:
    def __init__(self, number: int, actor: Any) -> None:
        self.state = State.STARTING
        self.trips: set[Trip] = set()
        self.stats: EngineStats | None = None  #: as of the last look
        self.ready_at = 0.0
        self.looked_at = 0.0
        self.asked_at: float | None = None  #: of a look that is not answered yet
        self._number = number
        self._actor = actor

    def __str__(self) -> str:
        return str(self._number)

    @property
    def alone(self) -> bool:
        """It works on a request that has seen a replica die, and gets no other beside it."""
        return any(trip.deaths for trip in self.trips)

    def open(self, opened: Told) -> None:
        self._actor.open.remote().future().add_done_callback(opened)

    def take(self, trip: Trip, answered: Told) -> None:
        deadline = trip.request.deadline
        left_s = None if deadline is None else deadline - time.monotonic()
        self.trips.add(trip)
        trip.replica = self
        self._actor.complete.remote(trip.request, left_s).future().add_done_callback(answered)

    def cancel(self, trip: Trip) -> None:
        self._actor.cancel.remote(trip.request.id)

    def look(self, looked: Told) -> None:
        self.asked_at = time.monotonic()
        self._actor.look.remote().future().add_done_callback(looked)

    def ready(self, health: Health) -> None:
        self.state = State.READY
        self.ready_at = time.monotonic()
        self.looked(health)

    def looked(self, health: Health) -> None:
        self.stats = health.stats
        self.asked_at = None
        self.looked_at = time.monotonic()

    def stop(self) -> None:
        ray.kill(self._actor)


class Replicas:
    def __init__(self, make: Callable[[], Any], slots: int) -> None:
        """`make` gives a new actor; `slots`: requests that one works on at a time."""
        self._make = make
        self._slots = slots
        self._all: tuple[Replica, ...] = ()  # replaced as a whole, so that any thread may read it
        self._numbers = count(1)
        self._past = EngineStats("ray")  # what those did that are gone

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._all)

    def __contains__(self, replica: object) -> bool:
        return replica in self._all

    def in_state(self, state: State) -> list[Replica]:
        return [replica for replica in self._all if replica.state is state]

    def opened(self) -> list[Replica]:
        return [replica for replica in self._all if replica.state is not State.STARTING]

    def count(self) -> int:
        """Those that can take requests, or will."""
        return len(self._all) - len(self.in_state(State.DRAINING))

    def add(self) -> Replica:
        self._all += (Replica(next(self._numbers), self._make()),)
        return self._all[-1]

    def remove(self, replica: Replica) -> set[Trip]:
        """Stop it; returns what it worked on."""
        self._all = tuple(other for other in self._all if other is not replica)
        if replica.stats:
            self._past = _sum(self._past, replica.stats)
        replica.stop()
        trips, replica.trips = replica.trips, set()
        return trips

    def idle(self) -> Replica | None:
        return next((replica for replica in self.in_state(State.READY) if not replica.trips), None)

    def roomiest(self, keep_one: bool) -> Replica | None:
        """The least loaded one with a free slot. `keep_one`: one gets nothing more, so that it will be idle."""
        ready = self.in_state(State.READY)
        shared = sorted((replica for replica in ready if not replica.alone), key=lambda replica: len(replica.trips))
        if keep_one and len(shared) == len(ready):
            shared = shared[1:]
        return shared[0] if shared and len(shared[0].trips) < self._slots else None

    def drain(self, number: int) -> None:
        """Let go of `number` of them: those that start first, then the least loaded."""
        left = sorted(
            (replica for replica in self._all if replica.state is not State.DRAINING),
            key=lambda replica: (replica.state is State.READY, len(replica.trips)),
        )
        for replica in left[:number]:
            replica.state = State.DRAINING

    def stop_drained(self) -> None:
        for replica in self.in_state(State.DRAINING):
            if not replica.trips:
                self.remove(replica)

    def stats(self, waiting: int, restarts: int) -> EngineStats:
        found = self._past
        for replica in self._all:
            found = _sum(found, replica.stats) if replica.stats else found
        running = sum(len(replica.trips) for replica in self._all)
        ready = len(self.in_state(State.READY))
        return replace(found, running=running, waiting=waiting, replicas=ready, restarts=restarts)


def _sum(one: EngineStats, other: EngineStats) -> EngineStats:
    return EngineStats(
        device=other.device,
        steps=one.steps + other.steps,
        step_s=one.step_s + other.step_s,
        rows=one.rows + other.rows,
    )
