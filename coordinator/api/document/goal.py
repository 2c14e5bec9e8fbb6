"""Goals, as the HTTP API shows them: their plan, progress and result."""

from __future__ import annotations

from typing import Annotated, Any

from coordinator.api.document.plan import CandidatePlan, Plan, PlanReading
from coordinator.api.document.shape import Described, Shape
from coordinator.plans.answer import Confirm
from coordinator.runs.progress import StepState
from infra.records import FailureKind, Json, Priority, RunState


class OmittedElement(Shape):
    """An element of a step's output that is missing because its job failed."""

    index: int
    why: str


class StepProgress(Shape):
    """How far one step has come, as counts of its jobs."""

    state: StepState
    total: int
    succeeded: int
    skipped: int
    """Jobs that failed and whose outputs are null."""
    defaulted: int
    """Jobs that have no output of their own and got the default of their step."""
    fallbacks: int
    """Jobs whose fallback was asked because the first output was too uncertain."""
    answered: dict[str, int]
    """The number of outputs by specialist and version, such as `triage@1.0.0`."""
    guessed: int
    """The outputs of a model that was never trained for its job type."""
    left_out: list[OmittedElement]
    """The first 20 of the skipped and defaulted jobs, each with its reason."""


class GoalFailure(Shape):
    """Why a goal failed."""

    kind: FailureKind
    message: str
    step: str | None
    """The step that failed, if it was one step."""
    index: int | None
    """The position of the failed job in a mapped step."""
    faults: list[str]
    """The faults of the planner's plans, if none of them compiles."""


class Explanation(Shape):
    """Why a goal in words has come to no plan, or to several."""

    why: str
    missing: list[str]
    """Parameters of the first job type in `nearest` for which the goal gives no value."""
    nearest: list[str]
    """The job types that come nearest to what the goal asks for, the best first."""


class UnservedType(Shape):
    """A job type that the goal waits for and that no live worker serves in the version that the goal needs."""

    type: str
    version: str | None
    """The version that the goal needs. It is null if any version will do."""
    served: list[str]
    """The versions that live workers serve."""


class GoalStatus(PlanReading):
    """A goal: its plan, its progress, and its result once it has succeeded."""

    id: str
    state: RunState
    goal: str | None
    """The words of the goal. It is null if the caller sent a plan or named a saved one."""
    saved: str | None
    """The name of the saved plan that the goal runs."""
    tenant: str
    tags: list[str]
    """The caller's own words by which lists are filtered."""
    priority: Priority
    created_ms: int
    """Unix time in milliseconds."""
    deadline_ms: int
    """Unix time in milliseconds after which the goal fails."""
    confirm: Confirm
    """When a goal in words waits until its caller confirms a plan."""
    plan: Plan | None
    """The plan that runs. It is null until there is one."""
    plans: list[CandidatePlan]
    """The plans from which the caller chooses while the goal is unsure, the best first."""
    reason: str | None
    """Why the planner is unsure, or refuses."""
    explanation: Explanation | None
    steps: dict[str, StepProgress]
    """The progress of each step by its id, including the steps that ask the planner."""
    result: Any
    """The result of a goal that succeeded. Lists of goals leave it null."""
    failure: GoalFailure | None
    paused: list[str]
    """The paused job types that the goal waits for."""
    unserved: list[UnservedType]
    versions: dict[str, str]
    """The version of each job type that the goal's jobs are made for."""


class RerunGoal(GoalStatus):
    """The goal of a dead letter that is run again."""

    also: list[str]
    """The ids of the goal's other dead letters whose jobs are done again with it."""


GoalBody = Annotated[Json, Described(GoalStatus)]
RerunGoalBody = Annotated[Json, Described(RerunGoal)]
