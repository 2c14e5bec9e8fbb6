"""Plans, as the HTTP API shows them: of goals, of unsure goals, and saved ones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from coordinator.api.document.shape import Described, Shape
from infra.records import Json


class PlanLimits(Shape):
    """The limits of a goal."""

    max_jobs: int
    """The most jobs that the goal may have."""
    deadline_s: float
    """Seconds within which the goal must end, counted from its acceptance."""
    max_replans: int
    """How many more plans of the planner are tried when its first does not compile."""
    claim_within_s: float | None = None
    """Seconds within which a worker must claim a job that is ready. If it is left out, the job type's limit holds."""


class PlanMap(Shape):
    """A step that makes one job of each element of a list."""

    over: Json
    """A reference to the list."""
    item: str = Field(alias="as")
    """The name of the element in the step's arguments."""


class PlanQuorum(Shape):
    """The number of jobs that must succeed."""

    quorum: int


class PlanDefault(Shape):
    """The output that takes the place of a missing one."""

    default: Json


class PlanStep(Shape):
    """One step of a plan. A field with its default value is left out."""

    id: str
    type: str
    """The job type that does the step."""
    args: Json = Field(default={})
    """The input of the step's jobs. `{"$ref": "s1.label"}` stands for a value that another step gives."""
    map: PlanMap | None = None
    after: list[str] = Field(default=[])
    """Steps that must end first although no value of theirs is used."""
    join: Literal["all", "any"] | PlanQuorum = "all"
    """How many jobs of a mapped step must succeed."""
    on_failure: Literal["fail", "skip", "leave_out"] | PlanDefault = "fail"
    """What happens when a job fails: the goal fails, the output is null, or the output is the given default."""
    top: int | None = None
    """How many values of each label the outcomes of its jobs tell with their probabilities."""


class Plan(Shape):
    """The plan that a goal runs."""

    steps: list[PlanStep]
    result: Any
    """The template of the goal's result."""
    limits: PlanLimits


class GroundedValue(Shape):
    """A value of a plan, and the words of the goal from which the planner took it."""

    step: str
    argument: str
    value: Any
    source: str = Field(alias="from")
    """The words of the goal."""
    by: str | None = None
    """The job type that read the words in the same way, if one was asked."""


class PlanReading(Shape):
    """What the planner says about a plan. A plan that the caller sent has no words and no confidence."""

    words: str | None
    """What the plan does, in plain words."""
    confidence: float | None
    """The probability, from 0 to 1, that this plan is what the goal asks for."""
    grounded: list[GroundedValue]


class CandidatePlan(PlanReading):
    """One of the plans from which the caller of an unsure goal chooses."""

    steps: list[Json]
    """The steps as the planner wrote them. They are checked when the plan is confirmed."""
    result: Any = None


class SavedPlan(Shape):
    """A plan that is kept under a name."""

    name: str
    plan: Json
    """The plan as it was saved. It is compiled again with the inputs of each goal that names it."""
    inputs: dict[str, Json]
    """The JSON Schema of each input that the plan refers to."""


class DeletedPlan(Shape):
    """The name of the plan that was deleted."""

    deleted: str


SavedPlanBody = Annotated[Json, Described(SavedPlan)]
PlanDeletedBody = Annotated[Json, Described(DeletedPlan)]
