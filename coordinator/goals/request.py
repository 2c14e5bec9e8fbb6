"""Requests: a goal, or one typed job, as a caller sends it. Checks nothing."""

from __future__ import annotations

from pydantic import Field

from coordinator.goals.tags import MOST_TAGS, Tags
from coordinator.plans.answer import Confirm
from infra.field_names import CLAIM_WITHIN_S
from infra.records import MOST_TOLD, Json, Priority, Record, Top

TAGS_SAID = (
    f"Words of the caller's own by which lists are filtered: at most {MOST_TAGS}, each of 1 to 64 letters, digits and "
    "the characters `._:/@+=-`."
)


class Goal(Record):
    """A goal: words, a plan, or the name of a saved plan, with the inputs that it is about and its limits."""

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
        description="`max_jobs`, `deadline_s`, `claim_within_s` and `max_replans`. Limits that are left out have the "
        "deployment's values.",
    )
    priority: Priority = Priority.NORMAL
    tags: Tags = Field(default=(), description=TAGS_SAID)
    confirm: Confirm = Field(
        default=Confirm.IF_UNSURE,
        description="When a goal in words waits to be confirmed: if the planner is unsure, always, or never.",
    )


class JobRequest(Record, validate_by_name=True):
    """A request for one job of a job type."""

    type: str = Field(description="The job type.")
    input: Json = Field(description="The job's input. It must fit the input schema of the job type.")
    priority: Priority = Priority.NORMAL
    tags: Tags = Field(default=(), description=TAGS_SAID)
    deadline_s: float | None = Field(
        default=None, description="The seconds from accepted to ended. Without it the deployment's deadline holds."
    )
    claim_within_s: float | None = Field(
        default=None,
        validation_alias=CLAIM_WITHIN_S,
        description="The job expires unless a worker claims it within this many seconds after it was ready. Without "
        "it the limit of the job type holds.",
    )

    top: Top = Field(
        default=None,
        description="How many values of each label of the output are told with their probabilities, under "
        f"`alternatives`: 1 to {MOST_TOLD}. Only a job type whose labels are read off can tell them.",
    )

    def limits(self) -> Json:
        """The limits that the request names."""
        return self.model_dump(include={"deadline_s", "claim_within_s"}, exclude_none=True)
