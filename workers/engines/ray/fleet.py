"""The fleet: starts, checks, loses and replaces replicas, as many as the load wants. Knows no caller's future.

Only the ferry's thread uses it; answers that come in Ray's threads are handed to that thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from math import inf
from typing import Any

from workers.engines.ray.actor import Fault, Health
from workers.engines.ray.replicas import Replica, Replicas, State, Trip
from workers.engines.ray.scaling import Load, Rules, enough, target

log = logging.getLogger(__name__)

START_S = 600.0  #: for the first replica to get room and load its model, and for any replica to load it
LOOK_S = 5.0  #: between two looks at a replica
BLIND_S = 60.0  #: a replica that has not answered a look for this long is given up
LONGEST_WAIT_S = 30.0  #: between two starts
QUIET_S = 2 * LONGEST_WAIT_S  #: after this long without a loss, the next loss counts as the first one again
OVERDUE_S = 10.0  #: a replica that holds a request for this long past its end is given up: it may hold it for ever


class Fleet:
    def __init__(
        self,
        replicas: Replicas,
        rules: Rules,
        do: Callable[[Callable[[], None]], object],
        bereaved: Callable[[Iterable[Trip]], None],
    ) -> None:
        """`do` has the ferry's thread run a function. `bereaved` is given the trips of a lost replica."""
        self._replicas = replicas
        self._rules = rules
        self._do = do
        self._bereaved = bereaved
        self.settled = threading.Event()  #: a replica has opened, or has refused to
        self.refusal: str | None = None  #: why the last replica that did not open did not
        self.restarts = 0
        self._failures = 0  # lost replicas, each of them lost soon after the one before
        self._start_at = 0.0
        self._lost_at = -inf  # `time.monotonic()` of the last loss
        self._missing = 0  # lost replicas that no other has rescheduled yet
        self._fewer_since = inf  # `time.monotonic()` since which fewer replicas would have been enough

    def refuse(self, why: str) -> None:
        """Record that a replica did not open, or that none will."""
        self.refusal = why
        self.settled.set()

    def tend(self, load: Load, now: float) -> None:
        """Have as many replicas as `load` wants, and lose useless ones. Called often, at monotonic time `now`."""
        self._scale(load, now)
        for replica in self._replicas:
            if replica.state is State.STARTING:
                if replica.scheduled_at is not None and now - replica.scheduled_at > START_S:
                    self._lose_unopened(replica, f"it took longer than {START_S:.0f} s")
            elif replica.asked_at is not None and now - replica.asked_at > BLIND_S:
                self.lose(replica, f"it did not answer for {BLIND_S:.0f} s")
            elif any(trip.overdue(OVERDUE_S) for trip in replica.trips):
                self.lose(replica, f"it held a request for {OVERDUE_S:.0f} s past its end")
            elif replica.asked_at is None and now - replica.looked_at > LOOK_S:
                self._look(replica)
        if now - self._lost_at > QUIET_S:
            self._failures = 0

    def _scale(self, load: Load, now: float) -> None:
        count = self._replicas.count()
        self._fewer_since = min(self._fewer_since, now) if enough(load, self._rules) < count else inf
        starting = len(self._replicas.in_state(State.STARTING))
        wanted = target(count, starting, load, now - self._fewer_since, self._rules)
        if wanted > count and now >= self._start_at:
            for _ in range(wanted - count):
                self._start()
        elif wanted < count:
            self._replicas.drain(count - wanted)
            self._fewer_since = inf
        if wanted <= count:
            self._missing = 0  # a replica that starts later replaces none
        self._replicas.stop_drained()

    def _start(self) -> None:
        if self._missing:
            self._missing -= 1
            self.restarts += 1
        replica = self._replicas.add()
        replica.open(
            scheduled=lambda answer: self._do(replica.scheduled) if not answer.exception() else None,
            opened=lambda answer: self._do(partial(self._open, replica, answer)),
        )

    def _open(self, replica: Replica, answer: Future[Any]) -> None:
        if replica not in self._replicas:
            return  # the replica was stopped meanwhile
        found = answer.exception() or answer.result()
        if isinstance(found, Health):
            replica.ready(found)
            self.refusal = None
            log.info("replica %s is ready", replica, extra={"action": "replica"})
            self.settled.set()
        else:
            why = found.message if isinstance(found, Fault) else f"its actor ended: {type(found).__name__}"
            self._lose_unopened(replica, why)

    def _lose_unopened(self, replica: Replica, why: str) -> None:
        self.lose(replica, f"it did not open: {why}")
        self.refuse(why)

    def _look(self, replica: Replica) -> None:
        replica.look(lambda answer: self._do(partial(self._looked, replica, answer)))

    def _looked(self, replica: Replica, answer: Future[Any]) -> None:
        if replica not in self._replicas:
            return
        found = answer.exception() or answer.result()
        if not isinstance(found, Health):
            self.lose(replica, "it died")
        elif not found.healthy:
            self.lose(replica, "its engine broke")
        else:
            replica.looked(found)

    def lose(self, replica: Replica, why: str) -> None:
        """Give the replica up. Another one is started when its turn comes."""
        extra = {"action": "lose", "requests": len(replica.trips)}
        log.warning("lost replica %s: %s", replica, why, extra=extra)
        trips = self._replicas.remove(replica)
        self._missing += replica.state is not State.DRAINING
        self._failures += 1
        self._lost_at = time.monotonic()
        self._start_at = self._lost_at + _wait_s(self._failures)
        self._bereaved(trips)


def _wait_s(failures: int) -> float:
    """The wait before the next start: none after the first failure, then one second, two, four, …"""
    return min(LONGEST_WAIT_S, 2.0 ** min(failures - 2, 10)) if failures > 1 else 0.0
