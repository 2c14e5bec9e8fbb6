"""A run: the record of one goal's progress. It does not decide what comes next; `coordinator.runs.advance` does.

A run of a goal in words begins with a plan of one step, which asks for a plan. The planner's answer becomes the plan,
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
from infra.listing import tag_list, tenant_list, type_list
from infra.records import NOBODY, FailureKind, Job, Json, Outcome, Priority, Record, RunRecord, RunState
from specialists.offers import PLANNER


class UnreadableRun(ValueError):
    """This version of the product cannot read the record of a run. The message names the run."""


class RunFailure(Record):
    kind: FailureKind
    message: str
    step: str | None = None
    index: int | None = None
    faults: tuple[str, ...] = ()  #: the faults of the planner's plans, if none compiles


#: The fields that explain why a run could not go on, emptied for a run that does go on.
UNSAID: Mapping[str, Any] = {"candidates": (), "reason": "", "missing": (), "nearest": ()}


class Version(Record):
    """The version of a specialist when a run began to need it."""

    version: str
    schemas: str  #: `Specialist.schemas`


class Answered(Record):
    """The answer to a job that the planner asked for."""

    output: Json | None
    confidence: float | None = None


class Run(Record):
    id: str
    goal: str | None  #: the goal in words; None if the caller sent a plan or named a saved one
    saved: str | None = None  #: the name of the saved plan
    created_ms: int
    deadline_ms: int
    plan: Plan
    asked: Json | None = None  #: the planner's input while `plan` is the planning; it is data, and never bound
    asks: tuple[Ask, ...] = ()  #: the jobs that the planner asked for first, one for each of the steps in `ASKS`
    heard: dict[str, Answered] = Field(default_factory=dict)  #: the answers to these jobs, by step
    confirm: Confirm = Confirm.IF_UNSURE
    steps: dict[str, Progress]  #: the steps of `plan`, and those of the planning before it
    jobs: int = 0  #: how many jobs were released so far, without those of fallbacks and of steps beside the plan
    inputs: Json | None  #: the goal's inputs, until the first save after the creation moves them to the results
    candidates: tuple[Draft, ...] = ()  #: the plans that the caller of an unsure run may choose from, the best first
    reading: Reading | None = None  #: how the planner reads the goal in `plan`; None if the caller sent the plan
    reason: str = ""  #: why the planner is unsure, or why it refuses
    missing: tuple[str, ...] = ()  #: in a refusal, the parameters of `nearest[0]` that nothing in the goal gives
    nearest: tuple[str, ...] = ()  #: in a refusal, the job types that come nearest to the goal, the nearest first
    state: RunState = RunState.RUNNING
    failure: RunFailure | None = None
    trace: str | None = None  #: the W3C traceparent of the request that accepted it, if that was traced
    tenant: str = NOBODY
    tags: tuple[str, ...] = ()  #: the caller's own words
    priority: Priority = Priority.NORMAL
    round: int = 0  #: how often it was taken up again after it had ended
    reopened_ms: int | None = None  #: when its round began; None in the first round
    #: The version that its jobs are made for, by job type. Workers with other schemas leave these jobs alone.
    versions: dict[str, Version] = Field(default_factory=dict)
    anew: tuple[str, ...] = ()  #: the steps that this round does anew; no stored output of another job answers them

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
        tags: tuple[str, ...] = (),
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
            tags=tags,
            priority=priority,
        )

    @property
    def planning(self) -> bool:
        """Whether `plan` is still the steps that ask for a plan."""
        return self.asked is not None

    def asking(self, asks: tuple[Ask, ...], is_askable: Callable[[Ask], bool]) -> Run:
        """The run that does the jobs in `asks` and then asks the planner again.

        An ask that no job can be made of is left without an answer."""
        types = {name: ask.type for name, ask in zip(ASKS, asks, strict=False) if is_askable(ask)}
        plan = planning_again(types, self.plan.limits)
        steps = self.steps | {step.id: Progress() for step in plan.steps if step.id != PLANNING}
        return self.model_copy(update={"plan": plan, "asks": asks, "heard": {}, "steps": steps})

    def planned(self, plan: Plan, reading: Reading | None) -> Run:
        """The run that goes on with `plan`, before anything is released. `reading`: None if the caller sent it."""
        told = {
            "state": RunState.RUNNING,
            "plan": plan,
            "reading": reading,
            "steps": self.steps | {step.id: Progress() for step in plan.steps},
        }
        return self.model_copy(update={**told, "asked": None, "asks": (), "heard": {}, **UNSAID})

    @property
    def since_ms(self) -> int:
        """When the run was accepted, or last taken up again."""
        return self.created_ms if self.reopened_ms is None else self.reopened_ms

    @property
    def types(self) -> set[str]:
        """The job types of all its jobs so far: of its plan, and of the planning before it."""
        planned = {step.id: step.type for step in self.plan.steps}
        before = self.steps.keys() - planned.keys()
        answered = {made.partition("@")[0] for name in before for made in self.steps[name].answered}
        return {*planned.values(), *answered, *([PLANNER] if before else [])}

    def settles(self, outcome: Outcome) -> bool:
        """Whether the outcome can be counted now, or can be ignored because it belongs to another round.

        Jobs are released first, and may end before their release is saved. Such an outcome has to come again.
        """
        progress = self.steps.get(outcome.step_id)
        settled = progress is not None and progress.settles(outcome.index, outcome.of_fallback)
        return settled or outcome.round != self.round

    def undecided(self, outcome: Outcome) -> bool:
        """Whether a coordinator has still to look at the outcome. In an ended run none ever will."""
        if self.state.ended or outcome.round != self.round:
            return False
        return not self.settles(outcome) or self.steps[outcome.step_id].awaits(outcome.index, outcome.of_fallback)

    def fallback_of(self, job: Job) -> str | None:
        """The id of the fallback's job for this one; None if no fallback was asked in its step."""
        progress = self.steps.get(job.step_id)
        fallback = progress.fallback if progress else None
        return Job.name(self.id, job.step_id, job.index, fallback) if fallback else None

    @classmethod
    def load(cls, record: RunRecord) -> Run:
        """Raises UnreadableRun if this version of the product cannot read the record's body."""
        try:
            return cls.model_validate({**record.body, "state": record.state})
        except ValidationError as error:
            raise UnreadableRun(f"run {record.id}: its record does not read: {error.error_count()} faults") from None

    def record(self, version: int) -> RunRecord:
        """The record that the ledger keeps. `version`: the one that was loaded."""
        body = self.model_dump(mode="json", by_alias=True, exclude={"state"}, exclude_defaults=True)
        return RunRecord(
            id=self.id,
            version=version,
            state=self.state,
            created_ms=self.created_ms,
            waits_until_ms=self.deadline_ms if self.state is RunState.UNSURE else None,
            lists=(tenant_list(self.tenant), *map(type_list, sorted(self.types)), *map(tag_list, self.tags)),
            body=body,
        )
