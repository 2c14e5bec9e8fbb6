"""The operator acts while processes are killed: cancels goals, takes them up again, pauses types. Keeps the results."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Protocol

from benchmarks.chaos.goals.goals import Asked
from benchmarks.chaos.goals.types import KEPT, LATE, LATER, QUICK, SAME
from benchmarks.chaos.processes.engine import switch
from coordinator.goals.goals import Goals
from coordinator.goals.letters import Letters, UnknownLetter
from coordinator.goals.refusals import UnknownRun
from coordinator.runs.rerun import RerunRefused
from coordinator.runs.run import Run
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.job_types import TypeSwitch
from infra.ledger.protocols.runs import StepResults
from infra.records import Job, RunState, TypeState

LOOK_S = 0.2
PAUSE_S = 2.0  #: how long a type is paused, and how long all are open after that
TO_PAUSE = (LATE, SAME, QUICK, LATE, LATER, KEPT)  #: the types to pause, in turn


@dataclass(frozen=True)
class Cancelled:
    at_ms: int
    state: RunState  #: as the cancelling returned it; the goal may have ended before


@dataclass(frozen=True)
class Kept:
    """The jobs whose outputs a goal had when it was taken up again."""

    at_ms: int
    jobs: frozenset[str]


@dataclass
class Interventions:
    cancelled: dict[str, Cancelled] = field(default_factory=dict)  #: run id -> the cancelling
    kept: dict[str, Kept] = field(default_factory=dict)  #: run id -> the kept jobs
    count: Counter[str] = field(default_factory=Counter)


class OperatorLedger(StepResults, TypeSwitch, Protocol):
    """The parts of the ledger that the operator uses: outputs of steps, and the pausing of job types."""


class Operator:
    """A context with a thread. It cancels or takes up again the goals of `accepted` that ask for it."""

    def __init__(
        self,
        goals: Goals,
        letters: Letters,
        ledger: OperatorLedger,
        accepted: Mapping[str, Asked],
        folder: Path,
        job_types: Sequence[str],
    ) -> None:
        self._goals = goals
        self._ledger = ledger
        self._letters = letters
        self._accepted = accepted
        self._folder = folder
        self.interventions = Interventions()
        self._seen: dict[str, float] = {}  #: run id -> when it was first seen
        self._open: set[str] = set()  #: runs that must succeed in the end, and have not yet
        self._to_pause = cycle([name for name in TO_PAUSE if name in job_types])
        self._paused = False
        self._turn_at = 0.0
        self._calm = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="operator", daemon=True)

    def __enter__(self) -> Operator:
        (self._folder / "switches").mkdir(exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def calm_down(self) -> None:
        """Open all paused types, and pause none from now on."""
        self._calm.set()

    @property
    def done(self) -> bool:
        """Whether all goals accepted so far are in their last state."""
        if not self._thread.is_alive():
            raise RuntimeError("the operator has ended; see what its thread raised")
        accepted = dict(self._accepted)
        to_cancel = {run_id for run_id, asked in accepted.items() if asked.cancel_s is not None}
        return (
            accepted.keys() <= self._seen.keys() and to_cancel <= self.interventions.cancelled.keys() and not self._open
        )

    def _work(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self._look()
            except LedgerUnavailable:
                self.interventions.count["interventions cut off"] += 1

    def _look(self) -> None:
        self._turn()
        for run_id, asked in dict(self._accepted).items():
            if asked.switches and run_id not in self._seen:
                self._open.add(run_id)
            began = self._seen.setdefault(run_id, time.monotonic())
            if self._is_to_cancel(run_id, asked, time.monotonic() - began):
                self._cancel(run_id)
            if asked.switches:
                self._see_to(self._goals.load(run_id), asked)

    def _is_to_cancel(self, run_id: str, asked: Asked, after_s: float) -> bool:
        return asked.cancel_s is not None and run_id not in self.interventions.cancelled and after_s >= asked.cancel_s

    def _cancel(self, run_id: str) -> None:
        run = self._goals.cancel(run_id)
        self.interventions.cancelled[run_id] = Cancelled(_now_ms(), run.state)
        self.interventions.count["goals cancelled"] += 1

    def _see_to(self, run: Run, asked: Asked) -> None:
        """Take up a failed goal. The first time it fails again; then its numbers are released, and it must succeed."""
        if run.state is RunState.SUCCEEDED:
            self._open.discard(run.id)
        elif run.state is RunState.FAILED:
            self._note_kept(run)
            if run.round:
                for number in asked.switches:
                    switch(self._folder, number).touch()
            self._take_up(run)

    def _note_kept(self, run: Run) -> None:
        indexes = self._ledger.results(run.id, "a")
        jobs = frozenset(Job.name(run.id, "a", index) for index in indexes)
        self.interventions.kept.setdefault(run.id, Kept(_now_ms(), jobs))

    def _take_up(self, run: Run) -> None:
        failed = run.failure.index if run.failure else None
        try:
            if run.round and failed is not None:
                self._letters.rerun(Job.name(run.id, "a", failed))
                self.interventions.count["goals taken up by a dead letter"] += 1
            else:
                self._goals.rerun(run.id)
                self.interventions.count["goals taken up again"] += 1
        except (RerunRefused, UnknownLetter):
            # It was taken up already, or Redis lost the letter; the next look sees it.
            self.interventions.count["goals not taken up"] += 1
        except UnknownRun:
            return  # the verdict reports it

    def _turn(self) -> None:
        if time.monotonic() < self._turn_at:
            return
        if self._paused or self._calm.is_set():
            for name in self._ledger.type_states():
                self._ledger.set_type_state(name, TypeState.OPEN)
        else:
            self._pause_next()
        self._paused = not self._paused
        self._turn_at = time.monotonic() + (LOOK_S if self._calm.is_set() else PAUSE_S)

    def _pause_next(self) -> None:
        if name := next(self._to_pause, None):
            self._ledger.set_type_state(name, TypeState.PAUSED)
            self.interventions.count["pauses"] += 1


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
