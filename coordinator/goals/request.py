"""Requests: what a caller asks of goals, as it is sent: a goal, or one typed job. Nothing is checked here."""

from __future__ import annotations

from pydantic import Field

from coordinator.plans.answer import Confirm
from infra.field_names import CLAIM_WITHIN_S
from infra.records import Json, Priority, Record


class Goal(Record):
    """What a caller asks: words, a plan or a saved plan's name, the inputs they speak of, and limits."""

    goal: str | None = Field(default=None, description="What to reach, in words. Or send a plan.")
    plan: Json | None = Field(default=None, description='A plan: {"steps": […], "result": …, "limits": …}.')
    saved: str | None = Field(
        default=None, description="Or the name of a plan of the tenant's, kept by `PUT /v1/plans/{name}`."
    )
    inputs: Json = Field(default_factory=dict, description="What the goal speaks of, by name.")
    limits: Json = Field(
        default={}, description="max_jobs, deadline_s, claim_within_s, max_replans; those of the deployment else."
    )
    priority: Priority = Priority.NORMAL
    confirm: Confirm = Field(
        default=Confirm.IF_UNSURE,
        description="When a goal in words waits for a yes to its plan: where the planner is unsure, always, or never.",
    )


class JobRequest(Record, validate_by_name=True):
    """One typed job."""

    type: str
    input: Json
    priority: Priority = Priority.NORMAL
    deadline_s: float | None = Field(default=None, description="From accepted to ended; the deployment's else.")
    claim_within_s: float | None = Field(
        default=None,
        validation_alias=CLAIM_WITHIN_S,
        description="It expires unless a worker claims it within this time after it was ready; the job type's else.",
    )

    def limits(self) -> Json:
        """Those that it names."""
        return self.model_dump(include={"deadline_s", "claim_within_s"}, exclude_none=True)
