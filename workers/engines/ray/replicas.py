"""Replicas: the actors, what each of them works on and how it does. Does not know how many there should be."""

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
from workers.engines.ray.actor import Health

#: Called in a thread of Ray's with what an actor returned, or with its death.
Told = Callable[[Future[Any]], object]


class State(StrEnum):
    STARTING = "starting"  #: it waits for room in the cluster, or loads its model
    READY = "ready"
    DRAINING = "draining"  #: gets no more requests, and is stopped when it has none


@dataclass(eq=False)
class Trip:
    """One request on its way: through the queue, to a replica, and to another one if that dies."""

    request: Request
    future: Future[Completion] = field(default_factory=Future)
    began_at: float = field(default_factory=time.monotonic)
    replica: Replica | None = None  #: the replica that works on it
    deaths: int = 0  #: how many replicas died while they worked on it
    cancelled: bool = False
    until: float | None = field(init=False)  #: `time.monotonic()` of its deadline; in a replica, of its time-out too

    def __post_init__(self) -> None:
        self.until = self.request.deadline
        self.future.set_running_or_notify_cancel()  # from here on only the engine ends it

    def enter(self, replica: Replica) -> float | None:
        """Begin to count its time-out. Returns how many seconds are left."""
        now = time.monotonic()
        limits = [] if self.request.deadline is None else [self.request.deadline]
        if self.request.timeout_s is not None:
            limits.append(now + self.request.timeout_s)
        self.replica, self.until = replica, min(limits, default=None)
        return None if self.until is None else self.until - now

    def leave(self) -> None:
        """Go back to waiting."""
        self.replica, self.until = None, self.request.deadline

    @property
    def early(self) -> Finish | None:
        """How it ends if no replica need work on it any more; None if one must."""
        if self.cancelled:
            return Finish.CANCELLED
        return Finish.DEADLINE if self.overdue(0.0) else None

    def overdue(self, by_s: float) -> bool:
        return self.until is not None and time.monotonic() >= self.until + by_s


class Replica:
    def __init__(self, number: int, actor: Any) -> None:
        self.state = State.STARTING
        self.trips: set[Trip] = set()
        self.health: Health | None = None  #: what the last look found
        self.scheduled_at: float | None = None  #: `time.monotonic()` at which Ray put it on a node
        self.looked_at = 0.0
        self.asked_at: float | None = None  #: `time.monotonic()` of a look that is not answered yet
        self._number = number
        self._actor = actor

    def __str__(self) -> str:
        return str(self._number)

    @property
    def stats(self) -> EngineStats | None:
        return self.health.stats if self.health else None

    @property
    def alone(self) -> bool:
        """Whether it works on a request that has seen a replica die, and that must have no other request beside it."""
        return any(trip.deaths for trip in self.trips)

    def open(self, scheduled: Told, opened: Told) -> None:
        self._actor.arrive.remote().future().add_done_callback(scheduled)
        self._actor.open.remote().future().add_done_callback(opened)

    def take(self, trip: Trip, answered: Told) -> None:
        self.trips.add(trip)
        self._actor.complete.remote(trip.request, trip.enter(self)).future().add_done_callback(answered)

    def cancel(self, trip: Trip) -> None:
        self._actor.cancel.remote(trip.request.id)

    def look(self, looked: Told) -> None:
        self.asked_at = time.monotonic()
        self._actor.look.remote().future().add_done_callback(looked)

    def scheduled(self) -> None:
        self.scheduled_at = time.monotonic()

    def ready(self, health: Health) -> None:
        self.state = State.READY
        self.looked(health)

    def looked(self, health: Health) -> None:
        self.health = health
        self.asked_at = None
        self.looked_at = time.monotonic()

    def stop(self) -> None:
        ray.kill(self._actor)


class Replicas:
    def __init__(self, make: Callable[[], Any], slots: int) -> None:
        """`make` makes a new actor. `slots`: requests that one actor works on at a time."""
        self._make = make
        self._slots = slots
        # The replicas, and the sums of those that are gone. Both are replaced as one, so that any thread may read them.
        self._known: tuple[tuple[Replica, ...], EngineStats] = (), EngineStats("ray")
        self._numbers = count(1)

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._all)

    def __contains__(self, replica: object) -> bool:
        return replica in self._all

    @property
    def _all(self) -> tuple[Replica, ...]:
        return self._known[0]

    def in_state(self, state: State) -> list[Replica]:
        return [replica for replica in self._all if replica.state is state]

    def count(self) -> int:
        """The number of replicas that can take requests, or will."""
        return len(self._all) - len(self.in_state(State.DRAINING))

    def add(self) -> Replica:
        replica = Replica(next(self._numbers), self._make())
        self._known = (*self._all, replica), self._known[1]
        return replica

    def remove(self, replica: Replica) -> set[Trip]:
        """Stop the replica. Returns what it worked on."""
        left = tuple(other for other in self._all if other is not replica)
        self._known = left, _sum(self._known[1], replica.stats)
        replica.stop()
        trips, replica.trips = replica.trips, set()
        return trips

    def idle(self) -> Replica | None:
        return next((replica for replica in self.in_state(State.READY) if not replica.trips), None)

    def roomiest(self, keep_one: bool) -> Replica | None:
        """The least loaded replica with a free slot. `keep_one`: one replica gets no more, so that it becomes idle."""
        ready = self.in_state(State.READY)
        shared = sorted((replica for replica in ready if not replica.alone), key=lambda replica: len(replica.trips))
        if keep_one and len(shared) == len(ready):
            shared = shared[1:]
        return shared[0] if shared and len(shared[0].trips) < self._slots else None

    def drain(self, number: int) -> None:
        """Let `number` replicas go: first those that still start, then the least loaded."""
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

    def health(self) -> list[Health]:
        """What the last look at each replica found."""
        return [replica.health for replica in self._all if replica.health]

    def stats(self, waiting: int, restarts: int) -> EngineStats:
        there, found = self._known
        for replica in there:
            found = _sum(found, replica.stats)
        running = sum(len(replica.trips) for replica in there)
        ready = sum(replica.state is State.READY for replica in there)
        return replace(found, running=running, waiting=waiting, replicas=ready, restarts=restarts)


def _sum(one: EngineStats, other: EngineStats | None) -> EngineStats:
    if other is None:
        return one
    return EngineStats(
        device=other.device,
        steps=one.steps + other.steps,
        step_s=one.step_s + other.step_s,
        rows=one.rows + other.rows,
    )
