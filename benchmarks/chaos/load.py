"""Submits the goals while processes are killed, and keeps which were accepted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.chaos.goals.goals import Asked
from coordinator.admission.decide import Bid
from coordinator.admission.door import Door
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import Asking, KeyUsed, Named
from coordinator.goals.request import Goal, JobRequest
from coordinator.runs.run import Run
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Json

AGAIN_S = 0.2
DEADLINE_S = 7200.0  #: the deadline of goals that ask for none: it is long enough never to end a job


class OpenDoor(Door):
    """A door that lets everything in, so that the ledger ends late work instead of refusing it."""

    @contextmanager
    def entering(self, bids: Sequence[Bid], name: str | None = None) -> Iterator[None]:
        yield


class Load:
    """A context whose thread submits `asked`, evenly over `seconds`, and slower while `waiting` is above `most`."""

    def __init__(self, goals: Goals, asked: Sequence[Asked], seconds: float, waiting: Callable[[int], int]) -> None:
        """`waiting`: from the number of submitted jobs, the number of those that have not ended."""
        self._goals = goals
        self._asked = asked
        self._seconds = seconds
        self._waiting = waiting
        self._most = max(100, sum(len(each.jobs) for each in asked) // 5)
        self.accepted: dict[str, Asked] = {}  #: run id -> its goal
        self.unanswered = 0  #: submissions during which Redis died; the goal was submitted again under the same key
        self.jobs = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._submit_all, name="load", daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def done(self) -> bool:
        if not self._thread.is_alive() and len(self.accepted) < len(self._asked):
            raise RuntimeError("the load ended before all goals were handed in; see what its thread raised")
        return not self._thread.is_alive()

    def _submit_all(self) -> None:
        began = time.monotonic()
        for number, asked in enumerate(self._asked):
            due = began + self._seconds * number / len(self._asked)
            while (time.monotonic() < due or self._waiting(self.jobs) > self._most) and not self._stop.is_set():
                time.sleep(0.02)
            if self._stop.is_set():
                return
            self.accepted[self._submit(asked, f"chaos-{number}")] = asked
            self.jobs += len(asked.jobs)

    def _submit(self, asked: Asked, key: str) -> str:
        """Submit a goal until it is accepted. If Redis stored it and died unanswered, the key prevents a copy."""
        asking = Asking(tenant=asked.tenant, named=Named.of(asked.tenant, key, asked.inputs))
        while True:
            try:
                return self._accept(asked, asking).id
            except KeyUsed as used:
                return used.run_id
            except LedgerUnavailable:
                self.unanswered += 1
                time.sleep(AGAIN_S)

    def _accept(self, asked: Asked, asking: Asking) -> Run:
        if asked.plan is None:
            request = JobRequest(
                type=asked.job_type, input=asked.inputs, deadline_s=DEADLINE_S, priority=asked.priority
            )
            return self._goals.accept_job(request, asking)
        goal = Goal(plan=asked.plan, inputs=asked.inputs, limits=_limits(asked), priority=asked.priority)
        return self._goals.accept(goal, asking)


def _limits(asked: Asked) -> Json:
    deadline = {"deadline_s": asked.deadline_s or DEADLINE_S}
    return deadline | ({"claim_within_s": asked.claim_within_s} if asked.claim_within_s else {})
