"""The ray engine: ferries each request to the least loaded of its replicas, which are actors of Ray. Runs no model.

One thread does everything; callers and Ray's own threads only leave it something to do. Ray restarts nothing here: this
engine replaces an actor that died, and tries its requests once more elsewhere.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import ray
from ray.exceptions import RayTaskError

from infra.logs import where
from infra.settings import Settings
from specialists.manifest import RayHosting
from specialists.specialist import Specialist
from workers.engines import Completion, Engine, EngineError, EngineStats, Request
from workers.engines.build import build_of
from workers.engines.ray.actor import Fault, Host, open_engine
from workers.engines.ray.cluster import join, leave
from workers.engines.ray.fleet import START_S, Fleet
from workers.engines.ray.replicas import Replica, Replicas, State, Trip
from workers.engines.ray.scaling import Load, Rules

log = logging.getLogger(__name__)

TICK_S = 0.1  #: the time between two looks at deadlines, replicas and load
UNREADY_S = 120.0  #: with work and without a replica for this long, the engine says that it is broken
CLOSE_S = 15.0  #: how long `close` waits for Ray to take the replicas back

DEATHS_ALLOWED = 1  #: lost replicas for one request; at the next loss it fails, and the ledger counts the attempt


class RayEngine:
    name = "ray"

    def __init__(
        self,
        make: Callable[[], Engine],
        rules: Rules,
        hosting: RayHosting,
        address: str | None = None,
        token_file: Path | None = None,
    ) -> None:
        """`make` runs in each actor. This returns at once; `await_ready` waits for the first replica. Raises
        EngineError if the cluster cannot be joined."""
        join(address, token_file)
        self.slots = rules.most * rules.slots
        self._replicas = Replicas(partial(_actor, make, rules, hosting), rules.slots)
        self._fleet = Fleet(self._replicas, rules, self._do, self._retry)
        self._trips: dict[str, Trip] = {}  # all requests in flight, by their ids
        self._waiting: deque[Trip] = deque()
        self._suspects: deque[Trip] = deque()  # trips that have seen a replica die, and that go alone
        self._expected = Load(0, 0, 0.0)  # what waits in the ledger
        self._fine_at = time.monotonic()
        self._todo: SimpleQueue[Trip | Callable[[], None]] = SimpleQueue()  # trips to accept, and steps to run
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ferry", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> RayEngine:
        """Returns when one replica is ready. The specialists share one inner engine, one base and one hosting."""
        manifest = specialists[0].manifest
        hosting = manifest.ray
        # These are the settings that an actor needs; none of the passwords is among them.
        needed = Settings.model_construct(
            home=settings.home, specialists=settings.specialists, slots=settings.slots, threads=settings.threads
        )
        digests = {specialist.name: specialist.digest for specialist in specialists}
        make = partial(open_engine, manifest.inner_engine, digests, needed)
        rules = Rules(hosting.min_replicas, hosting.max_replicas, settings.slots)
        engine = cls(make, rules, hosting, settings.ray_address, settings.ray_token_file)
        engine.await_ready(START_S)
        return engine

    # -- any thread --

    def await_ready(self, timeout_s: float) -> None:
        """Return when a replica is ready. If one refuses, or after `timeout_s`, close and raise EngineError."""
        in_time = self._fleet.settled.wait(timeout_s)
        if not in_time or self._fleet.refusal:
            reason = self._fleet.refusal or f"none of the Ray cluster's nodes had room for it within {timeout_s:.0f} s"
            self.close()
            raise EngineError(f"no replica became ready: {reason}", retryable=False)

    def submit(self, request: Request) -> Future[Completion]:
        trip = Trip(request)
        if not self._do(trip):
            trip.future.set_exception(EngineError("the engine was closed"))
        return trip.future

    def cancel(self, request_id: str) -> None:
        self._do(partial(self._cancel, request_id))

    def expect(self, waiting: int, oldest_s: float) -> None:
        self._expected = Load(0, waiting, oldest_s)

    def close(self) -> None:
        with self._closing:
            if not self._closed:
                self._closed = True
                self._todo.put(lambda: None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.error("Ray does not answer; nobody waits for it any more", extra={"action": "close"})
            atexit.register(self._end_without_ray)

    def _end_without_ray(self) -> None:
        """End the process before Ray's own exit step, which would wait for Ray's answer too."""
        if self._thread.is_alive():
            os._exit(1)

    def healthy(self) -> bool:
        return not self._closed and self._thread.is_alive() and time.monotonic() - self._fine_at < UNREADY_S

    def stats(self) -> EngineStats:
        return self._replicas.stats(waiting=len(self._waiting) + len(self._suspects), restarts=self._fleet.restarts)

    @property
    def build(self) -> str | None:
        ours = build_of("ray")
        theirs = _either(health.build for health in self._replicas.health())
        return f"{ours}, {theirs}" if theirs else ours

    @property
    def precision(self) -> str | None:
        return _either(health.precision for health in self._replicas.health())

    def _do(self, step: Trip | Callable[[], None]) -> bool:
        """Have the ferry's thread run the step or accept the trip. Returns False if the engine is closed."""
        with self._closing:
            if not self._closed:
                self._todo.put(step)
            return not self._closed

    # -- the ferry's thread --

    def _run(self) -> None:
        try:
            self._ferry()
        except Exception as error:  # noqa: BLE001 - whatever broke the ferry must reach its futures
            log.error("the ferry raised %s\n%s", type(error).__name__, where(error), extra={"action": "break"})
            self._fleet.refuse(f"{type(error).__name__} in its ferry; the worker's log says where")
        with self._closing:
            self._closed = True
        try:
            self._fail_all()
        finally:
            self._fleet.refuse(self._fleet.refusal or "the engine was closed")
            self._stop_all()

    def _fail_all(self) -> None:
        for trip in list(self._trips.values()):
            self._end(trip, EngineError("the engine was closed"))
        while not self._todo.empty():  # nothing is added any more, because the engine is closed
            if isinstance(step := self._todo.get(), Trip):
                step.future.set_exception(EngineError("the engine was closed"))

    def _stop_all(self) -> None:
        try:
            for replica in self._replicas:
                replica.stop()
        except Exception as error:  # noqa: BLE001 - whatever Ray raises: leaving it ends its actors too
            log.error("cannot stop the replicas: %s\n%s", type(error).__name__, where(error))
        finally:
            leave()

    def _ferry(self) -> None:
        tended_at = 0.0
        while not self._closed:
            try:
                step = self._todo.get(timeout=TICK_S)
            except Empty:
                step = None
            if isinstance(step, Trip):
                self._accept(step)
            elif step:
                step()
            if time.monotonic() - tended_at >= TICK_S:
                self._tend()
                tended_at = time.monotonic()
            self._send()

    def _accept(self, trip: Trip) -> None:
        if trip.request.id in self._trips:
            error = EngineError(f"request {trip.request.id!r} is in flight already", retryable=False)
            trip.future.set_exception(error)
            return
        self._trips[trip.request.id] = trip
        self._waiting.append(trip)

    def _cancel(self, request_id: str) -> None:
        if trip := self._trips.get(request_id):
            trip.cancelled = True
            if trip.replica:
                trip.replica.cancel(trip)
            else:
                self._end_early()

    def _send(self) -> None:
        """Send suspects first, each alone to a replica, and then the others in the order in which they came."""
        while self._suspects and (replica := self._replicas.idle()):
            self._take(replica, self._suspects.popleft())
        while self._waiting and (replica := self._replicas.roomiest(keep_one=bool(self._suspects))):
            self._take(replica, self._waiting.popleft())

    def _take(self, replica: Replica, trip: Trip) -> None:
        if trip.early:
            self._end(trip, Completion("", trip.early))
        else:
            replica.take(trip, lambda answer: self._do(partial(self._answered, replica, trip, answer)))

    def _answered(self, replica: Replica, trip: Trip, answer: Future[Any]) -> None:
        if trip.replica is not replica:
            return  # the replica was given up before
        error = answer.exception()
        if error is None:
            found = answer.result()
            self._end(trip, found.error() if isinstance(found, Fault) else found)
        elif isinstance(error, RayTaskError):
            self._end(trip, EngineError(f"the actor raised {type(error.cause).__name__}"))
        else:
            self._fleet.lose(replica, "it died")

    def _end(self, trip: Trip, how: Completion | EngineError) -> None:
        del self._trips[trip.request.id]
        if trip.replica:
            trip.replica.trips.discard(trip)
            trip.leave()
        if isinstance(how, EngineError):
            trip.future.set_exception(how)
        else:
            trip.future.set_result(how)

    def _end_early(self) -> None:
        """End requests that wait and were cancelled, or are past their deadline."""
        for queue in (self._waiting, self._suspects):
            for trip in [trip for trip in queue if trip.early]:
                queue.remove(trip)
                assert trip.early
                self._end(trip, Completion("", trip.early))

    def _retry(self, trips: Iterable[Trip]) -> None:
        """Try the trips of a lost replica once more. A request that sees a second replica die fails."""
        for trip in sorted(trips, key=lambda trip: trip.began_at):
            trip.deaths += 1
            if trip.early:
                self._end(trip, Completion("", trip.early))
            elif trip.deaths > DEATHS_ALLOWED:
                self._end(trip, EngineError(f"{trip.deaths} actors died while they worked on it"))
            else:
                trip.leave()
                self._suspects.append(trip)

    def _tend(self) -> None:
        now = time.monotonic()
        self._end_early()
        self._fleet.tend(self._load(now), now)
        if self._replicas.in_state(State.READY) or not self._trips:
            self._fine_at = now

    def _load(self, now: float) -> Load:
        waiting = [*self._suspects, *self._waiting]
        oldest_s = max((now - trip.began_at for trip in waiting), default=0.0)
        return Load(
            running=len(self._trips) - len(waiting),
            waiting=len(waiting) + self._expected.waiting,
            oldest_s=max(oldest_s, self._expected.oldest_s),
        )


def _either(said: Iterable[str | None]) -> str | None:
    """What the replicas say of themselves. If they differ by node, it is not known which of them did the work."""
    return " or ".join(sorted({each for each in said if each})) or None


def _actor(make: Callable[[], Engine], rules: Rules, hosting: RayHosting) -> Any:
    """A new actor, which Ray starts on a node once there is room."""
    options = ray.remote(Host).options(
        num_cpus=hosting.cpus,
        num_gpus=hosting.gpus,
        max_restarts=0,
        max_task_retries=0,
        max_concurrency=3 * rules.slots + 8,  # requests, their cancels, and looks
        scheduling_strategy="SPREAD" if hosting.placement == "spread" else "DEFAULT",
    )
    return options.remote(make)
