"""A confirmation: an unsure run goes on with one of its plans, or with the caller's. Decides, but stores nothing."""

from __future__ import annotations

from pydantic import Field, model_validator

from coordinator.plans.answer import MOST_PLANS, Draft
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Plan, PlanRefused
from coordinator.plans.references import INPUTS
from coordinator.runs.advance import begin
from coordinator.runs.decisions.events import accepted_event
from coordinator.runs.rerun import Reopened
from coordinator.runs.run import Run
from coordinator.runs.values import Stored, load_values
from coordinator.runs.versions import pinned
from infra.records import Event, Json, Record, RunState
from specialists.catalog import Catalog


class NotUnsure(Exception):
    """The run waits for no confirmation; the message says which state it is in."""


class Confirmation(Record):
    """The plan with which an unsure goal goes on: one of the goal's own plans, or another one."""

    choice: int | None = Field(
        default=None,
        strict=True,
        ge=1,
        le=MOST_PLANS,
        description="The number of one of the goal's `plans`. The first is 1.",
    )
    plan: Json | None = Field(default=None, description="Another plan, as `POST /v1/goals` takes it.")

    @model_validator(mode="after")
    def _says_one(self) -> Confirmation:
        if (self.choice is None) == (self.plan is None):
            raise ValueError("send either 'choice', the number of one of the goal's plans, or 'plan'")
        return self


def confirm(run: Run, confirmation: Confirmation, stored: Stored, catalog: Catalog) -> Reopened:
    """Let the run go on with the confirmed plan. Raises NotUnsure, and PlanRefused with all faults of the plan."""
    if run.state is not RunState.UNSURE:
        raise NotUnsure(f"the goal is {run.state}: it waits for no confirmation")
    draft = _chosen(run, confirmation.choice)
    plan = _plan(run, draft.plan if draft else confirmation.plan, stored, catalog)
    confirmed = pinned(run.planned(plan, draft.reading if draft else None), catalog)
    events = [Event(name="run.confirmed", data={"choice": confirmation.choice}), accepted_event(confirmed)]
    return Reopened(confirmed, (), events, begin(confirmed, catalog, stored))


def _chosen(run: Run, choice: int | None) -> Draft | None:
    if choice is None:
        return None
    if choice > len(run.candidates):
        raise PlanRefused([f"choice: the goal has no plan {choice}; it has {len(run.candidates)}"])
    return run.candidates[choice - 1]


def _plan(run: Run, draft: Json | None, stored: Stored, catalog: Catalog) -> Plan:
    """Compile the confirmed plan. Its limits are those that the run was accepted with, since when its deadline runs."""
    inputs = load_values(run, [INPUTS], stored)[INPUTS]
    plan = compile_plan(draft, catalog, inputs, run.plan.limits)
    if plan.limits.deadline_s != run.plan.limits.deadline_s:
        raise PlanRefused(["limits.deadline_s: the goal has its deadline already; leave it out"])
    return plan
