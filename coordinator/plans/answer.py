"""The planner's answer: plans and the words that they come from, or the reason for none. Reads it; compiles no plan."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, ValidationError

from coordinator.plans.plan import MOST_ASKS, OnFailure, PlanRefused
from infra.records import Json, Record

MOST_PLANS = 3


class Confirm(StrEnum):
    """Whether a run waits until its caller has confirmed a plan."""

    IF_UNSURE = "if_unsure"  #: it waits if the planner says that it is unsure
    ALWAYS = "always"  #: it waits whatever the planner says
    NEVER = "never"  #: the first plan runs, however unsure the planner is of it


class Kind(StrEnum):
    PLAN = "plan"  #: the first plan does what the goal asks
    UNSURE = "unsure"  #: one of the plans may do what the goal asks
    REFUSED = "refused"  #: no plan over these job types and inputs can do what the goal asks
    ASK = "ask"  #: the planner wants the answers to `asks` first, and then to be asked again


class Grounding(Record):
    """A value in a plan, and the words of the goal that it was found from."""

    step: str
    argument: str
    value: Any
    source: str = Field(alias="from")
    by: str | None = None  #: the job type that has the value as a label, if it read the words in the same way


class Reading(Record):
    """How the planner reads a goal in one of its plans."""

    words: str = ""  #: what the plan does, in plain words
    confidence: float = Field(ge=0, le=1)  #: how likely it is that the plan does what the goal asks
    grounded: tuple[Grounding, ...] = ()


class Draft(Reading):
    """A plan that is not checked yet."""

    steps: list[Json]
    result: Any = None  #: a plan's `result`; None stands for the steps that no other step needs

    @property
    def plan(self) -> Json:
        """The plan for the compiler. In a mapped step a failed element is left out and reported; the others go on."""
        steps = [
            each | {"on_failure": OnFailure.LEAVE_OUT.value} if _may_lose_one(each) else each for each in self.steps
        ]
        return {"steps": steps} | ({} if self.result is None else {"result": self.result})

    @property
    def reading(self) -> Reading:
        return Reading(words=self.words, confidence=self.confidence, grounded=self.grounded)


def _may_lose_one(step: Json) -> bool:
    return "map" in step and "on_failure" not in step


class Ask(Record):
    """A job that the planner asks for, so that the owner of some labels reads words of the goal."""

    type: str
    input: Json


class Answer(Record):
    """The planner's answer. Its best plan comes first."""

    answer: Kind
    confidence: float = Field(ge=0, le=1)  #: of the first plan
    reason: str = ""  #: why the planner is unsure, or why it refuses
    plans: tuple[Draft, ...] = Field(default=(), max_length=MOST_PLANS)
    asks: tuple[Ask, ...] = Field(default=(), max_length=MOST_ASKS)
    missing: tuple[str, ...] = ()  #: in a refusal, the parameters of `nearest[0]` that nothing in the goal gives
    nearest: tuple[str, ...] = ()  #: in a refusal, the job types that come nearest to the goal, the nearest first


def shown(reading: Reading | None) -> Json:
    """The view of a plan that people get. It is empty for a plan that the caller sent, which has no reading."""
    if reading is None:
        return {"words": None, "confidence": None, "grounded": []}
    grounded = [each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in reading.grounded]
    return {"words": reading.words, "confidence": reading.confidence, "grounded": grounded}


def read_answer(output: Json) -> Answer:
    """Read the planner's output. Raises PlanRefused if it is no answer; the faults quote nothing of the output."""
    try:
        return Answer.model_validate(output)
    except ValidationError as error:
        where = (f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in error.errors())
        raise PlanRefused([f"the planner's answer: {fault}" for fault in where]) from None
