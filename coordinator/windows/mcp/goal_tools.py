"""The tools for goals: what they take, and what they say of a goal. Submits none."""

from __future__ import annotations

from typing import Any

from mcp_types import Tool
from pydantic import Field

from coordinator.goals.request import Goal
from infra.records import Json, Record, RunState

#: The longest that a caller may have a tool for goals wait.
MAX_WAIT_S = 600.0
SUBMIT_GOAL, GOAL_STATUS = "submit_goal", "goal_status"


def _said(name: str) -> str | None:
    return Goal.model_fields[name].description


class GoalAsked(Record):
    goal: str | None = Field(default=None, description=_said("goal"))
    plan: Json | None = Field(default=None, description=_said("plan"))
    saved: str | None = Field(default=None, description=_said("saved"))
    inputs: Json = Field(default_factory=dict, description=_said("inputs"))
    wait_s: float | None = Field(
        default=None,
        ge=0,
        le=MAX_WAIT_S,
        description="The seconds to wait for the end of the goal. A goal that has not ended then goes on, and "
        "`goal_status` tells of it. Without it, the tool waits until the goal's deadline.",
    )

    def asked(self) -> Goal:
        return Goal(goal=self.goal, plan=self.plan, saved=self.saved, inputs=self.inputs)


class StatusAsked(Record):
    id: str = Field(description="The id of the goal.", max_length=200)
    wait_s: float = Field(default=0.0, ge=0, le=MAX_WAIT_S, description="The seconds to wait for the end of the goal.")


_GOAL_SHOWN: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "state": {"enum": [state.value for state in RunState]},
        "result": {"description": "The result; null unless the state is `succeeded`."},
        "why": {"type": ["string", "null"], "description": "Why the goal has no result, where it ended without one."},
        "plans": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"words": {"type": ["string", "null"]}, "plan": {"type": "object"}},
                "required": ["words", "plan"],
            },
            "description": "The plans to choose from, where the state is `unsure`. Submit the `plan` of one of them.",
        },
    },
    "required": ["id", "state", "result", "why", "plans"],
}

GOAL_TOOLS = (
    Tool(
        name=SUBMIT_GOAL,
        description="Reach a goal with the job types of this deployment, and return its result. Say it in words, or "
        "send a plan, with the inputs that it is about. Goals in words may be too unclear: then the answer has plans "
        "to choose from, or says what is missing.",
        input_schema=GoalAsked.model_json_schema(),
        output_schema=_GOAL_SHOWN,
    ),
    Tool(
        name=GOAL_STATUS,
        description="Tell how far a goal has come, with its result once it has one.",
        input_schema=StatusAsked.model_json_schema(),
        output_schema=_GOAL_SHOWN,
    ),
)


def goal_shown(view: Json) -> Json:
    """`view`: the goal, as the HTTP API shows it."""
    plans = [{"words": each["words"], "plan": _sendable(each)} for each in view["plans"]]
    return {**{name: view[name] for name in ("id", "state", "result")}, "why": _why(view), "plans": plans}


def in_words(shown: Json) -> str:
    """A goal without a result, as a sentence for whoever asked for one."""
    state = "still runs" if shown["state"] == RunState.RUNNING else f"is {shown['state']}"
    why = f": {shown['why']}" if shown["why"] else ""
    plans = "".join(f"\n{number}. {plan['words']}" for number, plan in enumerate(shown["plans"], 1))
    return f"The goal {shown['id']} {state}{why}.{plans and ' Its plans are:'}{plans}"


def _why(view: Json) -> str | None:
    failure: Any = view["failure"]
    if not failure:
        return view["reason"] if view["state"] != RunState.SUCCEEDED else None
    step = f"step {failure['step']!r}: " if failure["step"] else ""
    return f"{step}{'; '.join([failure['message'], *failure['faults']])}"


def _sendable(plan: Json) -> Json:
    return {name: value for name, value in plan.items() if name not in ("words", "confidence", "grounded")}
