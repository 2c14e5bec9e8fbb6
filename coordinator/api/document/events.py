"""Events of a goal, as its event stream sends them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from coordinator.api.document.goal import GoalFailure
from coordinator.api.document.plan import Plan, PlanReading
from coordinator.api.document.shape import Shape, shape_schema
from infra.records import JobState, RunState


class GoalAccepted(Shape):
    id: str
    goal: str | None


class PlanChoice(PlanReading):
    choice: int
    """The number by which the plan is confirmed."""


class GoalUnsure(Shape):
    reason: str
    plans: list[PlanChoice]


class GoalConfirmed(Shape):
    choice: int | None
    """The number of the chosen plan. It is null if the caller sent another plan."""


class GoalReopened(Shape):
    round: int
    step: str | None
    """The step that is done anew with all that needs it. It is null if what failed is done again."""
    deadline_ms: int


class GoalEnded(Shape):
    state: RunState
    failure: GoalFailure | None
    reason: str = ""
    """Why the planner refused the goal. It is sent of refused goals alone."""


class PlanAccepted(PlanReading):
    plan: Plan


class StepReleased(Shape):
    step: str
    type: str
    total: int
    """The jobs of the step."""
    kept: int
    """The jobs whose outputs are kept from before."""


class StepEnded(Shape):
    step: str
    succeeded: int
    skipped: int
    defaulted: int
    cancelled: int


class FallbackEnded(Shape):
    type: str | None
    state: JobState


class JobEnded(Shape):
    step: str
    index: int
    state: JobState
    fallback: FallbackEnded | None = None
    """The fallback's job. It is sent if a fallback was asked."""


class JobFallback(Shape):
    step: str
    index: int
    type: str
    """The job type of the fallback that is asked."""
    confidence: float | None
    """The confidence of the first output."""


class _Event(Shape):
    id: str
    """A watcher that sends it as `Last-Event-ID` gets the events after this one."""


class GoalAcceptedEvent(_Event):
    """The goal was accepted."""

    event: Literal["run.accepted"]
    data: GoalAccepted


class GoalUnsureEvent(_Event):
    """The planner is unsure: the goal waits until its caller confirms one of the plans."""

    event: Literal["run.unsure"]
    data: GoalUnsure


class GoalConfirmedEvent(_Event):
    """The caller has confirmed a plan."""

    event: Literal["run.confirmed"]
    data: GoalConfirmed


class GoalReopenedEvent(_Event):
    """An ended goal was taken up again."""

    event: Literal["run.reopened"]
    data: GoalReopened


class GoalEndedEvent(_Event):
    """The goal has ended. No more events come unless it is taken up again."""

    event: Literal["run.ended"]
    data: GoalEnded


class PlanAcceptedEvent(_Event):
    """The goal in words has its plan."""

    event: Literal["plan.accepted"]
    data: PlanAccepted


class StepReleasedEvent(_Event):
    """The jobs of a step may be claimed."""

    event: Literal["step.released"]
    data: StepReleased


class StepEndedEvent(_Event):
    """A step has its output."""

    event: Literal["step.ended"]
    data: StepEnded


class JobEndedEvent(_Event):
    """A job has ended."""

    event: Literal["job.ended"]
    data: JobEnded


class JobFallbackEvent(_Event):
    """The output of a job is too uncertain, so its fallback is asked."""

    event: Literal["job.fallback"]
    data: JobFallback


GoalEvent = Annotated[
    GoalAcceptedEvent
    | GoalUnsureEvent
    | GoalConfirmedEvent
    | GoalReopenedEvent
    | GoalEndedEvent
    | PlanAcceptedEvent
    | StepReleasedEvent
    | StepEndedEvent
    | JobEndedEvent
    | JobFallbackEvent,
    Field(discriminator="event"),
]


class _EventStream:
    """Describes a text as server-sent events, of which each `data` line is JSON."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        events = {"type": "array", "items": shape_schema(GoalEvent, handler)}
        return handler(schema) | {"contentMediaType": "text/event-stream", "contentSchema": events}


EventStreamBody = Annotated[str, _EventStream()]
