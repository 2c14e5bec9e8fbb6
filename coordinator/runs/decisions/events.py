"""The events that say how a run as a whole goes on. Knows no ledger."""

from __future__ import annotations

from coordinator.plans.answer import shown
from coordinator.runs.run import Run, RunFailure
from infra.records import Event, RunState


def ended_event(state: RunState, failure: RunFailure | None, reason: str = "") -> Event:
    told = {"reason": reason} if state is RunState.REFUSED else {}
    data = {"state": state, "failure": failure.model_dump(mode="json") if failure else None, **told}
    return Event(name="run.ended", data=data)


def accepted_event(run: Run) -> Event:
    """The event of a run that has its plan. It tells how the planner read the goal, if the plan is the planner's."""
    plan = run.plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Event(name="plan.accepted", data={"plan": plan, **shown(run.reading)})
