"""Requests as callers send them: a goal, or one typed job. Checks nothing."""

from __future__ import annotations

from pydantic import Field

from coordinator.plans.answer import Confirm
from infra.field_names import CLAIM_WITHIN_S
from infra.records import Json, Priority, Record


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
        """The limits that the request names."""
        return self.model_dump(include={"deadline_s", "claim_within_s"}, exclude_none=True)
