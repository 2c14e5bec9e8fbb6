"""Goals: taken in, looked at, cancelled. All through the ledger; knows neither the queue nor HTTP."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from pydantic import Field

from coordinator import references
from coordinator.advance import Change, accepted_event, begin, cancel
from coordinator.compiler import compile_plan, narrowed
from coordinator.metrics import RunMetrics
from coordinator.plan import PLANNING, Limits, Plan, PlanRefused, Step
from coordinator.run import Run, UnreadableRun
from coordinator.values import load_values
from infra.ledger import Ledger
from infra.metrics import Meter
from infra.records import Event, Json, Record, RunRecord
from infra.settings import Settings
from infra.tracing import traceparent
from specialists.catalog import Catalog
from specialists.offers import PLANNER, offers
from specialists.schemas import type_of

#: Of a job that a caller sends alone: the run's one step, and the input that it is.
JOB_STEP = "job"
#: More first jobs than one script of the ledger should make: about 10 ms of work, in which Redis answers nobody.
AT_ONCE = 250
_INPUT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_STEP_LIKE = re.compile(r"s\d+")
#: Words that the planner's drafts use themselves.
_TAKEN = frozenset({"item", "inputs", "true", "false", "null", "each", "after"})

logger = logging.getLogger(__name__)


class Goal(Record):
    """What a caller asks: words or a plan, the inputs they speak of, and limits."""

    goal: str | None = Field(default=None, description="What to reach, in words. Or send a plan.")
    plan: Json | None = Field(default=None, description='A plan: {"steps": […], "result": …, "limits": …}.')
    inputs: Json = Field(default_factory=dict, description="What the goal speaks of, by name.")
    limits: Json = Field(default={}, description="max_jobs, deadline_s, max_replans; those of the deployment else.")


class GoalRefused(Exception):
    """A goal or job that cannot be taken in. `faults` says everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


class UnknownRun(KeyError):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"no goal {run_id!r}: never accepted, or forgotten since")

    def __str__(self) -> str:
        return str(self.args[0])


class Goals:
    def __init__(self, ledger: Ledger, catalog: Catalog, settings: Settings, metrics: RunMetrics | None = None) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._metrics = metrics or RunMetrics(Meter())
        self._limits = Limits(
            max_jobs=settings.max_jobs, deadline_s=settings.deadline_s, max_replans=settings.max_replans
        )

    def accept(self, goal: Goal) -> Run:
        """Store the run of a goal and release its first jobs. Raises GoalRefused with all faults, nothing stored."""
        faults = input_faults(goal.inputs)
        limits = narrowed(self._limits, goal.limits, faults)
        plan = None
        if (goal.plan is None) == (goal.goal is None):
            faults.append("send either 'goal' (words) or 'plan'")
        elif goal.plan is not None:
            plan = self._compiled(goal, limits, faults)
        else:
            plan = self._planning(goal, limits, faults)
        if faults or plan is None:
            raise GoalRefused(faults)
        run = Run.of_plan(
            uuid4().hex, plan, goal.inputs, _now_ms(),
            goal=goal.goal, planning=goal.plan is None, trace=traceparent(),
        )  # fmt: skip
        return self._create(run)

    def accept_job(self, job_type: str, job_input: Json) -> Run:
        """A run of one step. Raises GoalRefused."""
        if job_type not in self._catalog:
            raise GoalRefused([f"unknown job type {job_type!r}; known: {', '.join(self._catalog.names())}"])
        if faults := self._catalog.get(job_type).input_faults(job_input):
            raise GoalRefused(faults)
        # By reference, so that an input with "$ref" in it is the data that it is.
        step = Step(id=JOB_STEP, type=job_type, args={references.KEY: f"{references.INPUTS}.{JOB_STEP}"})
        plan = Plan(steps=(step,), result={references.KEY: JOB_STEP}, limits=self._limits)
        return self._create(Run.of_plan(uuid4().hex, plan, {JOB_STEP: job_input}, _now_ms(), trace=traceparent()))

    def _compiled(self, goal: Goal, limits: Limits, faults: list[str]) -> Plan | None:
        try:
            return compile_plan(goal.plan, self._catalog, goal.inputs, limits)
        except PlanRefused as refused:
            faults += refused.faults
            return None

    def _planning(self, goal: Goal, limits: Limits, faults: list[str]) -> Plan | None:
        """The plan of one step that asks for a plan."""
        assert goal.goal is not None
        if not goal.goal.strip():
            faults.append("goal: is empty; say what to reach")
            return None
        if PLANNER not in self._catalog:
            faults.append(f"goal: no specialist {PLANNER!r} here to plan words; send a plan")
            return None
        kinds = {name: type_of(value) for name, value in goal.inputs.items()}
        args = {"goal": goal.goal, "inputs": kinds, "job_types": offers(self._catalog)}
        faults += self._catalog.get(PLANNER).input_faults(args)
        step = Step(id=PLANNING, type=PLANNER, args=args)
        return Plan(steps=(step,), result={references.KEY: PLANNING}, limits=limits)

    def _create(self, run: Run) -> Run:
        change = begin(run, self._catalog)
        events = [Event(name="run.accepted", data={"id": run.id, "goal": run.goal})]
        if not run.planning:
            events.append(accepted_event(run.plan))
        if change.run.state.ended:  # nothing to do at all: maps over empty lists
            self._ledger.create_run(run.record(0), (), events)
            if self._ledger.advance(change.run.record(0), change.results, change.events, ()):
                self._metrics.ended(change.run.state, run.created_ms)
        elif len(change.jobs) > AT_ONCE:
            return self._create_large(run, change, events)
        else:
            self._ledger.create_run(change.run.record(0), change.jobs, [*events, *change.events])
        return change.run

    def _create_large(self, run: Run, change: Change, events: Sequence[Event]) -> Run:
        """As a coordinator does: release, then save what was released.

        The run is stored as before its release, with some of the jobs: where we crash, or are slow, the first of their
        outcomes has a coordinator decide the same release again.
        """
        self._ledger.create_run(run.record(0), change.jobs[:AT_ONCE], events)
        self._ledger.release(change.jobs[AT_ONCE:])
        saved = self._ledger.advance(change.run.record(0), change.results, change.events, ())
        return change.run if saved else self.load(run.id)

    def load(self, run_id: str) -> Run:
        """Raises UnknownRun, UnreadableRun."""
        return Run.load(self._record(run_id))

    def result(self, run: Run) -> Any:
        """What a run that succeeded results in, from the ledger."""
        names = references.heads(run.plan.result)
        return references.bind(run.plan.result, load_values(run, names, partial(self._ledger.results, run.id)))

    def cancel(self, run_id: str) -> Run:
        """End the run and its jobs; one that has ended stays as it ended. Raises UnknownRun."""
        while True:
            record = self._record(run_id)
            run = Run.load(record)
            if run.state.ended:
                return run
            change = cancel(run)
            if self._ledger.advance(change.run.record(record.version), change.results, change.events, ()):
                self._metrics.ended(change.run.state, run.created_ms)
                return change.run

    def wait(self, run_id: str, wait_s: float) -> Run:
        """The run when it has ended, or as it is after `wait_s`. Raises UnknownRun."""
        ends, after = time.monotonic() + wait_s, "0"
        run = self.load(run_id)
        while not run.state.ended and (left_s := ends - time.monotonic()) > 0:
            events = self._ledger.events(run_id, after, wait_ms=max(1, round(left_s * 1000)))
            after = events[-1][0] if events else after
            if any(event.name == "run.ended" for _, event in events):
                run = self.load(run_id)
        return run if run.state.ended else self.load(run_id)

    def recent(self, limit: int) -> list[Run]:
        """The newest runs first, without those that do not read."""
        return list(_readable(self._ledger.recent_runs(limit)))

    def _record(self, run_id: str) -> RunRecord:
        record = self._ledger.load_run(run_id)
        if record is None:
            raise UnknownRun(run_id)
        return record


def input_faults(inputs: Mapping[str, Any]) -> list[str]:
    """What is wrong with the inputs' names, and with values that have no kind a plan could speak of."""
    faults = []
    for name, value in inputs.items():
        if not _INPUT_NAME.fullmatch(name):
            faults.append(f"inputs: {name[:64]!r} is no name; use lower-case letters, digits and _, a letter first")
        elif name in _TAKEN or _STEP_LIKE.fullmatch(name):
            faults.append(f"inputs: the name {name!r} means something else in plans; choose another")
        if value is None:
            faults.append(f"inputs: {name[:64]!r} is null; leave it out")
    return faults


def _readable(records: Iterable[RunRecord]) -> Iterator[Run]:
    for record in records:
        try:
            yield Run.load(record)
        except UnreadableRun as error:
            logger.warning("%s", error, extra={"goal_id": record.id})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
