"""Goals: taken in, looked at, confirmed, cancelled. All through the ledger; knows neither the queue nor HTTP."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from pydantic import Field, ValidationError

from coordinator.admission.decide import bids
from coordinator.admission.door import Door
from coordinator.goals.answered_job import Followed
from coordinator.goals.canonical import meaning
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.idempotency import Asking, KeyUsed
from coordinator.plans import references
from coordinator.plans.answer import Confirm
from coordinator.plans.compiler import compile_plan, narrowed
from coordinator.plans.plan import Limits, Plan, PlanRefused, Step, planning
from coordinator.plans.planner_input import planner_input
from coordinator.plans.saved_plan import SavedPlan
from coordinator.runs.advance import Change, accepted_event, begin, cancel
from coordinator.runs.confirmation import Confirmation, confirm
from coordinator.runs.fallback import rule_of
from coordinator.runs.metrics import RunMetrics
from coordinator.runs.rerun import Reopened, reopen
from coordinator.runs.run import Run, UnreadableRun
from coordinator.runs.values import load_values
from coordinator.runs.versions import pinned, served_by, unserved
from infra.field_names import CLAIM_WITHIN_S
from infra.ledger.unreadable import kinds_of
from infra.metrics import Meter
from infra.records import Event, Idempotency, Job, Json, Priority, Record, RunRecord, RunState, TypeState
from infra.settings import Settings
from infra.tracing import traceparent
from specialists.catalog import Catalog
from specialists.offers import PLANNER

#: Of a job that a caller sends alone: the run's one step, and the input that it is.
JOB_STEP = "job"
#: More first jobs than one script of the ledger should make: about 10 ms of work, in which Redis answers nobody.
AT_ONCE = 250
#: Of an input's name; and what a reference to it could not be told apart from.
_NAME_CHARACTERS = 64
_NOT_IN_NAMES = frozenset(".[]{}")

#: How long a request listens for events before it looks whether anybody waits for it yet.
LISTENED_MS = 1_000
#: Events after which a run does nothing more by itself.
_HALTS = frozenset({"run.ended", "run.unsure"})

#: Asked by nobody in particular, and done again if it is asked again.
ANYBODY = Asking()

logger = logging.getLogger(__name__)


class Goal(Record):
    """What a caller asks: words, a plan or a saved plan's name, the inputs they speak of, and limits."""

    goal: str | None = Field(
        default=None, description="The goal in words. Send this, a plan, or the name of a saved plan."
    )
    plan: Json | None = Field(default=None, description='A plan: {"steps": […], "result": …, "limits": …}.')
    saved: str | None = Field(
        default=None, description="The name of a plan that the tenant saved by `PUT /v1/plans/{name}`."
    )
    inputs: Json = Field(default_factory=dict, description="The data that the goal or its plan is about, by name.")
    limits: Json = Field(
        default={},
        description="`max_jobs`, `deadline_s`, `claim_within_s` and `max_replans`. Without them the deployment's hold.",
    )
    priority: Priority = Priority.NORMAL
    confirm: Confirm = Field(
        default=Confirm.IF_UNSURE,
        description="When a goal in words waits to be confirmed: if the planner is unsure, always, or never.",
    )


class JobRequest(Record, validate_by_name=True):
    """One typed job."""

    type: str = Field(description="The job type.")
    input: Json = Field(description="The job's input. It must fit the input schema of the job type.")
    priority: Priority = Priority.NORMAL
    deadline_s: float | None = Field(
        default=None, description="The seconds from accepted to ended. Without it that of the deployment holds."
    )
    claim_within_s: float | None = Field(
        default=None,
        validation_alias=CLAIM_WITHIN_S,
        description="The job expires unless a worker claims it in so many seconds after it was ready. Without it that "
        "of the job type holds.",
    )

    def limits(self) -> Json:
        """Those that it names."""
        return self.model_dump(include={"deadline_s", "claim_within_s"}, exclude_none=True)


class GoalRefused(Exception):
    """A goal or job that cannot be taken in. `faults` says everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


class Unknown(KeyError):
    """There is no such thing; says which."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownRun(Unknown):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"no goal {run_id[:200]!r}: never accepted, or forgotten since")


class UnknownJob(Unknown):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job {job_id[:200]!r}: never released, or forgotten since")


class Goals:
    def __init__(
        self,
        ledger: GoalLedger,
        catalog: Catalog,
        settings: Settings,
        metrics: RunMetrics | None = None,
        door: Door | None = None,
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._door = door or Door(ledger, catalog, settings)
        self._retention_s = settings.retention_s
        self._metrics = metrics or RunMetrics(Meter())
        self.limits = Limits(  #: of this deployment
            max_jobs=settings.max_jobs, deadline_s=settings.deadline_s, max_replans=settings.max_replans
        )

    def accept(self, goal: Goal, asking: Asking = ANYBODY) -> Run:
        """Store the run of a goal and release its first jobs.

        Raises KeyUsed, UnreadablePlan, and GoalRefused or NotAdmitted with all faults; nothing is stored then. The key
        comes first: who only asks again is neither refused nor kept waiting.
        """
        self._look_up(asking)
        faults = input_faults(goal.inputs)
        limits = narrowed(self.limits, goal.limits, faults)
        plan = asked = None
        if [goal.goal, goal.plan, goal.saved].count(None) != 2:
            faults.append("send one of 'goal' (words), 'plan' and 'saved' (the name of a saved plan)")
        elif goal.goal is not None:
            asked = self._asked(goal, faults)
            plan = planning(limits)
        else:
            goal = self._filled(goal, asking.tenant, faults)
            plan = self._compiled(goal, limits, faults)
        if faults or plan is None:
            raise GoalRefused(faults)
        run = Run.of_plan(
            uuid4().hex, plan, goal.inputs, _now_ms(), goal=goal.goal, saved=goal.saved, asked=asked,
            confirm=goal.confirm, trace=traceparent(), tenant=asking.tenant, priority=goal.priority,
        )  # fmt: skip
        return self._create(run, asking)

    def accept_job(self, request: JobRequest, asking: Asking = ANYBODY) -> Run:
        """A run of one step. Raises as `accept` does."""
        self._look_up(asking)
        if request.type not in self._catalog:
            raise GoalRefused([f"unknown job type {request.type!r}; known: {', '.join(self._catalog.names())}"])
        faults = self._catalog.get(request.type).input_faults(request.input)
        limits = narrowed(self.limits, request.limits(), faults)
        if faults:
            raise GoalRefused(faults)
        # By reference, so that an input with "$ref" in it is the data that it is.
        step = Step(id=JOB_STEP, type=request.type, args={references.KEY: f"{references.INPUTS}.{JOB_STEP}"})
        plan = Plan(steps=(step,), result={references.KEY: JOB_STEP}, limits=limits)
        run = Run.of_plan(
            uuid4().hex, plan, {JOB_STEP: request.input}, _now_ms(),
            trace=traceparent(), tenant=asking.tenant, priority=request.priority,
        )  # fmt: skip
        return self._create(run, asking)

    def meaning(self, asked: Goal | JobRequest) -> Json:
        """The same for requests that ask for the same, as long as this deployment's defaults are."""
        body = asked.model_dump(mode="json", exclude={"limits", "deadline_s", "claim_within_s"})
        limits = asked.limits() if isinstance(asked, JobRequest) else asked.limits
        return meaning(body, limits, self.limits)

    def _filled(self, goal: Goal, tenant: str, faults: list[str]) -> Goal:
        """The goal with the plan that it names, and with all inputs of that; as it is where it names none."""
        if goal.saved is None:
            return goal
        body = self._ledger.saved_plan(tenant, goal.saved)
        if body is None:
            faults.append(f"saved: no saved plan {goal.saved[:200]!r} of tenant {tenant!r}")
            return goal
        saved = SavedPlan.load(goal.saved, body)
        if found := saved.faults(goal.inputs):
            faults += found
            return goal
        filled = {"plan": saved.draft(goal.limits), "inputs": saved.filled(goal.inputs)}
        return goal.model_copy(update=filled)

    def _compiled(self, goal: Goal, limits: Limits, faults: list[str]) -> Plan | None:
        if goal.confirm is Confirm.ALWAYS:
            faults.append("confirm: a plan that is sent runs as it is; 'always' is for goals in words")
        if goal.plan is None:  # what is wrong with the saved one, or its inputs, is said already
            return None
        try:
            return compile_plan(goal.plan, self._catalog, goal.inputs, limits)
        except PlanRefused as refused:
            faults += refused.faults
            return None

    def _asked(self, goal: Goal, faults: list[str]) -> Json | None:
        """What the planner is asked."""
        assert goal.goal is not None
        if not goal.goal.strip():
            faults.append("goal: is empty; say what to reach")
            return None
        if PLANNER not in self._catalog:
            faults.append(f"goal: no specialist {PLANNER!r} here to plan words; send a plan")
            return None
        asked = planner_input(goal.goal, goal.inputs, self._catalog)
        faults += self._catalog.get(PLANNER).input_faults(asked)
        return asked

    def _look_up(self, asking: Asking) -> None:
        """Raises KeyUsed if the request's key was used before."""
        if asking.named and (prior := self._ledger.find_key(asking.named.key)):
            raise KeyUsed(prior, asking.named)

    def _create(self, run: Run, asking: Asking) -> Run:
        run = pinned(run, self._catalog)
        change = begin(run, self._catalog)
        types = [step.type for step in run.plan.steps]
        brings = bids(types, change.jobs, run.tenant, run.priority, run.plan.limits.deadline_s)
        with self._door.entering(brings, asking.named.key if asking.named else None):
            return self._store(run, change, asking)

    def _store(self, run: Run, change: Change, asking: Asking) -> Run:
        events = [Event(name="run.accepted", data={"id": run.id, "goal": run.goal})]
        if not run.planning:
            events.append(accepted_event(run))
        if len(change.jobs) > AT_ONCE:
            return self._store_large(run, change, events, asking)
        self._store_new(change.run, change.jobs, [*events, *change.events], asking)
        if change.run.state.ended:  # nothing to do at all: maps over empty lists
            self._metrics.ended(change.run.state, run.created_ms)
        return change.run

    def _store_large(self, run: Run, change: Change, events: Sequence[Event], asking: Asking) -> Run:
        """As a coordinator does: release, then save what was released.

        The run is stored as before its release, with some of the jobs: where we crash, or are slow, the first of their
        outcomes has a coordinator decide the same release again.
        """
        self._store_new(run, change.jobs[:AT_ONCE], events, asking)
        return self._release_rest(change, 0)

    def _release_rest(self, change: Change, version: int) -> Run:
        self._ledger.release(change.jobs[AT_ONCE:])
        saved = self._ledger.advance(change.run.record(version), change.results, change.events, ())
        return change.run if saved else self.load(change.run.id)

    def _store_new(self, run: Run, jobs: Sequence[Job], events: Sequence[Event], asking: Asking) -> None:
        """Raises KeyUsed if the same request came a moment ago."""
        key = self._idempotency(run, asking)
        prior = self._ledger.create_run(run.record(0), jobs, events, key)
        if prior and asking.named:
            raise KeyUsed(prior, asking.named)

    def _idempotency(self, run: Run, asking: Asking) -> Idempotency | None:
        if asking.named is None:
            return None
        keep_s = math.ceil(run.plan.limits.deadline_s) + self._retention_s  # not sooner forgotten than the run
        return Idempotency(key=asking.named.key, fingerprint=asking.named.fingerprint, keep_s=keep_s)

    def load(self, run_id: str) -> Run:
        """Raises UnknownRun, UnreadableRun."""
        return Run.load(self._record(run_id))

    def result(self, run: Run) -> Any:
        """What a run that succeeded results in, from the ledger."""
        names = references.heads(run.plan.result)
        return references.bind(run.plan.result, load_values(run, names, partial(self._ledger.results, run.id)))

    def inputs(self, run: Run) -> Json:
        """Of its goal, from the ledger; empty where they are not kept any more."""
        found = load_values(run, [references.INPUTS], partial(self._ledger.results, run.id))
        return found[references.INPUTS] or {}

    def cancel(self, run_id: str) -> Run:
        """End the run and its jobs; one that has ended stays as it ended. Raises UnknownRun."""
        while True:
            record = self._record(run_id)
            run = Run.load(record)
            if run.state.ended:
                return run
            change = cancel(run)
            if self._ledger.advance(change.run.record(record.version), change.results, change.events, ()):
                self._metrics.ended(change.run.state, run.since_ms)
                return change.run

    def rerun(self, run_id: str, step: str | None = None) -> Run:
        """Take up an ended run again, as `reopen` says. Raises UnknownRun, RerunRefused."""
        while True:
            record = self._record(run_id)
            stored = partial(self._ledger.results, run_id)
            reopened = reopen(Run.load(record), stored, self._catalog, _now_ms(), step)
            if run := self._reopen(reopened, record.version):
                return run

    def confirm(self, run_id: str, confirmation: Confirmation) -> Run:
        """Have an unsure run go on with a plan. Raises UnknownRun, NotUnsure, or GoalRefused with the plan's faults."""
        while True:
            record = self._record(run_id)
            stored = partial(self._ledger.results, run_id)
            try:
                confirmed = confirm(Run.load(record), confirmation, stored, self._catalog)
            except PlanRefused as refused:
                raise GoalRefused(refused.faults) from None
            if run := self._confirm(confirmed, record.version):
                return run

    def _confirm(self, confirmed: Reopened, version: int) -> Run | None:
        """None if the run changed in between: it was cancelled, or another plan was confirmed."""
        change = confirmed.change
        if not change.run.state.ended:
            return self._reopen(confirmed, version)
        events = [*confirmed.events, *change.events]  # nothing to do at all: maps over empty lists, or far too much
        if not self._ledger.advance(change.run.record(version), change.results, events, ()):
            return None
        self._metrics.ended(change.run.state, change.run.since_ms)
        return change.run

    def _reopen(self, reopened: Reopened, version: int) -> Run | None:
        """None if the run was taken up by somebody else in between. A large one in pieces, as a new one is."""
        run, change, events, forget = reopened.run, reopened.change, reopened.events, reopened.forget
        if len(change.jobs) > AT_ONCE:
            taken = self._ledger.reopen(run.record(version), change.jobs[:AT_ONCE], forget, events)
            return self._release_rest(change, version + 1) if taken else None
        taken = self._ledger.reopen(change.run.record(version), change.jobs, forget, [*events, *change.events])
        return change.run if taken else None

    def wait(self, run_id: str, wait_s: float, gone: Callable[[], bool] = lambda: False) -> Run:
        """The run when it has ended or waits to be confirmed, or as it is after `wait_s`, or when who asks has `gone`.

        Raises UnknownRun."""
        ends, after = time.monotonic() + wait_s, "0"
        run = self.load(run_id)
        while run.state is RunState.RUNNING and (left_s := ends - time.monotonic()) > 0 and not gone():
            events = self._ledger.events(run_id, after, wait_ms=_listened_ms(left_s))
            after = events[-1][0] if events else after
            if any(event.name in _HALTS for _, event in events):
                run = self.load(run_id)
        return self.load(run_id) if run.state is RunState.RUNNING else run

    def job(self, job_id: str, wait_s: float = 0.0, gone: Callable[[], bool] = lambda: False) -> Followed:
        """The job when it has ended, and its fallback's, or as they are after `wait_s`, or when who asks has `gone`.

        Raises UnknownJob."""
        ends, after = time.monotonic() + wait_s, "0"
        while True:
            followed = self._follow(job_id)
            if followed.state.ended or (left_s := ends - time.monotonic()) <= 0 or gone():
                return followed
            events = self._ledger.events(followed.job.job.run_id, after, wait_ms=_listened_ms(left_s))
            after = events[-1][0] if events else after

    def _follow(self, job_id: str) -> Followed:
        status = self._ledger.job(job_id)
        if status is None:
            raise UnknownJob(job_id)
        job, outcome = status.job, status.outcome
        if outcome is None or outcome.output is None or outcome.confidence is None or job.of_fallback:
            return Followed(status)
        try:
            run = self.load(job.run_id)
        except UnknownRun:
            return Followed(status)
        if rule_of(outcome, job.type, self._catalog) and run.undecided(outcome):
            return Followed(status, undecided=True)
        other = self._ledger.job(fallback_id) if (fallback_id := run.fallback_of(job)) else None
        return Followed(status, other if other and other.job.round == job.round else None)

    def cancel_job(self, job_id: str) -> Followed:
        """End a job; one that was sent alone, with its run. One that has ended stays as it ended. Raises UnknownJob."""
        followed = self.job(job_id)
        job = followed.job.job
        if job.step_id == JOB_STEP and not job.of_fallback and len(self.load(job.run_id).plan.steps) == 1:
            self.cancel(job.run_id)
        else:
            self._ledger.cancel([job_id, *([followed.fallback.job.id] if followed.fallback else [])])
        return self.job(job_id)

    def paused(self) -> set[str]:
        """Job types that are paused."""
        return {name for name, state in self._ledger.type_states().items() if state is TypeState.PAUSED}

    def unserved(self, run: Run) -> list[Json]:
        """Job types that the run waits for and no live worker does, in the version that it needs."""
        return unserved(run, served_by(self._ledger.workers())) if run.state is RunState.RUNNING else []

    def recent(self, limit: int) -> list[Run]:
        """The newest runs first, without those that do not read."""
        return list(_readable(self._ledger.recent_runs(limit)))

    def _record(self, run_id: str) -> RunRecord:
        """Raises UnknownRun, UnreadableRun."""
        try:
            record = self._ledger.load_run(run_id)
        except ValidationError as error:
            raise UnreadableRun(f"run {run_id}: its record does not read: {kinds_of(error)}") from None
        if record is None:
            raise UnknownRun(run_id)
        return record


def input_faults(inputs: Mapping[str, Any]) -> list[str]:
    """What is wrong with the inputs' names, and with values that have no kind a plan could speak of."""
    faults = []
    for name, value in inputs.items():
        if not _is_name(name):
            faults.append(
                f"inputs: {name[:_NAME_CHARACTERS]!r} is no name; use 1 to {_NAME_CHARACTERS} characters, "
                "no dots, brackets or control characters among them, and no space around"
            )
        if value is None:
            faults.append(f"inputs: {name[:64]!r} is null; leave it out")
    return faults


def _listened_ms(left_s: float) -> int:
    return max(1, min(LISTENED_MS, round(left_s * 1000)))


def _is_name(name: str) -> bool:
    is_one = 0 < len(name) <= _NAME_CHARACTERS and name == name.strip()
    return is_one and name.isprintable() and not _NOT_IN_NAMES & set(name)


def _readable(records: Iterable[RunRecord]) -> Iterator[Run]:
    for record in records:
        try:
            yield Run.load(record)
        except UnreadableRun as error:
            logger.warning("%s", error, extra={"goal_id": record.id})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
