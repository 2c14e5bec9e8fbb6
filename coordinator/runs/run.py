"""A run: one goal's progress, as a record. What comes next is decided in `coordinator.runs.advance`.

A run of a goal in words begins as a plan of one step, which asks for a plan. What the planner answers becomes the plan,
or waits until the caller has confirmed it, or ends the run. A run's outputs live in the ledger, so that the run stays
small: an outcome costs the same whether its step has ten jobs or ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, ValidationError

from coordinator.plans.answer import Ask, Confirm, Draft, Reading
from coordinator.plans.plan import ASKS, PLANNING, Plan, planning_again
from coordinator.runs.progress import Progress
from infra.records import NOBODY, FailureKind, Job, Json, Outcome, Priority, Record, RunRecord, RunState


class UnreadableRun(ValueError):
    """The record of a run is none of this version of the product; says which."""


class RunFailure(Record):
    kind: FailureKind
    message: str
    step: str | None = None
    index: int | None = None
    faults: tuple[str, ...] = ()  #: of the planner's plans, where none compiles


#: Of a run that goes on: nothing that was said of it while it could not.
UNSAID: Mapping[str, Any] = {"candidates": (), "reason": "", "missing": (), "nearest": ()}


class Version(Record):
    """Of a specialist, as it was when a run began to need it."""

    version: str
    schemas: str  #: `Specialist.schemas`


class Answered(Record):
    """What came of an ask of the planner's."""

    output: Json | None
    confidence: float | None = None


class Run(Record):
    id: str
    goal: str | None  #: None: the caller sent the plan, or named a saved one
    saved: str | None = None  #: the name of that saved plan
    created_ms: int
    deadline_ms: int
    plan: Plan
    asked: Json | None = None  #: what the planner is asked, while `plan` is the steps that ask it; data, not bound
    asks: tuple[Ask, ...] = ()  #: what it asked others first, likewise; one for each of the steps in `ASKS`
    heard: dict[str, Answered] = Field(default_factory=dict)  #: by step: what came of these
    confirm: Confirm = Confirm.IF_UNSURE
    steps: dict[str, Progress]  #: of `plan`, and of the planning before it
    jobs: int = 0  #: released so far, without those of fallbacks and of steps beside the plan
    inputs: Json | None  #: until the first save after the run was created, which moves them to the ledger's results
    candidates: tuple[Draft, ...] = ()  #: the plans that an unsure run has to choose from, the best first
    reading: Reading | None = None  #: what the planner said of `plan`; None: its caller sent the plan
    reason: str = ""  #: why the planner is unsure, or refuses
    missing: tuple[str, ...] = ()  #: where it refuses: parameters of the first of `nearest` that nothing gives
    nearest: tuple[str, ...] = ()  #: ... and the job types that come nearest to what is asked
    state: RunState = RunState.RUNNING
    failure: RunFailure | None = None
    trace: str | None = None  #: W3C traceparent of what accepted it; None: of no trace
    tenant: str = NOBODY
    priority: Priority = Priority.NORMAL
    round: int = 0  #: how often it was taken up again after it had ended
    reopened_ms: int | None = None  #: when its round began; None: the first
    #: by job type: what its jobs are made for, and no worker of others does
    versions: dict[str, Version] = Field(default_factory=dict)
    anew: tuple[str, ...] = ()  #: steps that its round does anew: outputs that others have made do not answer them

    @classmethod
    def of_plan(
        cls,
        run_id: str,
        plan: Plan,
        inputs: Json,
        now_ms: int,
        *,
        goal: str | None = None,
        saved: str | None = None,
        asked: Json | None = None,
        confirm: Confirm = Confirm.IF_UNSURE,
        trace: str | None = None,
        tenant: str = NOBODY,
        priority: Priority = Priority.NORMAL,
    ) -> Run:
        return cls(
            id=run_id,
            goal=goal,
            saved=saved,
            created_ms=now_ms,
            deadline_ms=now_ms + round(plan.limits.deadline_s * 1000),
            plan=plan,
            asked=asked,
            confirm=confirm,
            steps={step.id: Progress() for step in plan.steps},
            inputs=inputs,
            trace=trace,
            tenant=tenant,
            priority=priority,
        )

    @property
    def planning(self) -> bool:
        """Whether `plan` is still the steps that ask for a plan."""
        return self.asked is not None

    def asking(self, asks: tuple[Ask, ...], is_askable: Callable[[Ask], bool]) -> Run:
        """The run as it goes on where the planner wants to know what `asks` come to, and is asked again then.

        Those of them that no job can be made of come to nothing."""
        types = {name: ask.type for name, ask in zip(ASKS, asks, strict=False) if is_askable(ask)}
        plan = planning_again(types, self.plan.limits)
        steps = self.steps | {step.id: Progress() for step in plan.steps if step.id != PLANNING}
        return self.model_copy(update={"plan": plan, "asks": asks, "heard": {}, "steps": steps})

    def planned(self, plan: Plan, reading: Reading | None) -> Run:
        """The run as it goes on with `plan`, of which nothing is released. `reading`: None if the caller sent it."""
        told = {
            "state": RunState.RUNNING,
            "plan": plan,
            "reading": reading,
            "steps": self.steps | {step.id: Progress() for step in plan.steps},
        }
        return self.model_copy(update={**told, "asked": None, "asks": (), "heard": {}, **UNSAID})

    @property
    def since_ms(self) -> int:
        """When it was accepted, or taken up again last."""
        return self.created_ms if self.reopened_ms is None else self.reopened_ms

    def settles(self, outcome: Outcome) -> bool:
        """Whether the outcome can be counted, or needs not be as it is of another round.

        Jobs are released first, and may end before their release is saved: their outcomes have to come again.
        """
        progress = self.steps.get(outcome.step_id)
        settled = progress is not None and progress.settles(outcome.index, outcome.of_fallback)
        return settled or outcome.round != self.round

    def undecided(self, outcome: Outcome) -> bool:
        """Whether a coordinator is still to look at the outcome: of an ended run it never will."""
        if self.state.ended or outcome.round != self.round:
            return False
        return not self.settles(outcome) or self.steps[outcome.step_id].awaits(outcome.index, outcome.of_fallback)

    def fallback_of(self, job: Job) -> str | None:
        """The id that a job of its fallback has; None: of this step no fallback was asked anything."""
        progress = self.steps.get(job.step_id)
        fallback = progress.fallback if progress else None
        return Job.name(self.id, job.step_id, job.index, fallback) if fallback else None

    @classmethod
    def load(cls, record: RunRecord) -> Run:
        """Raises UnreadableRun if the record's body is no run of this version of the product."""
        try:
            return cls.model_validate({**record.body, "state": record.state})
        except ValidationError as error:
            raise UnreadableRun(f"run {record.id}: its record does not read: {error.error_count()} faults") from None

    def record(self, version: int) -> RunRecord:
        """As the ledger keeps it; `version` is the one that was loaded."""
        body = self.model_dump(mode="json", by_alias=True, exclude={"state"}, exclude_defaults=True)
        return RunRecord(
            id=self.id,
            version=version,
            state=self.state,
            created_ms=self.created_ms,
            waits_until_ms=self.deadline_ms if self.state is RunState.UNSURE else None,
            body=body,
        )
