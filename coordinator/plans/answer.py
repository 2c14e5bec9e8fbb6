"""The planner's answer: plans with what they are made of, or why there is none. Reads it; compiles no plan."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, ValidationError

from coordinator.plans.plan import MOST_ASKS, OnFailure, PlanRefused
from infra.records import Json, Record

MOST_PLANS = 3


class Confirm(StrEnum):
    """Whether a run waits until its caller has confirmed a plan."""

    IF_UNSURE = "if_unsure"  #: where the planner says that it is unsure
    ALWAYS = "always"  #: whatever the planner says
    NEVER = "never"  #: the first plan runs, however unsure the planner is of it


class Kind(StrEnum):
    PLAN = "plan"  #: the first plan is what was asked
    UNSURE = "unsure"  #: one of the plans may be what was asked
    REFUSED = "refused"  #: no plan over these job types and inputs can be what was asked
    ASK = "ask"  #: it is to be asked again, with what `asks` come to


class Grounding(Record):
    """A value in a plan, and the words of the goal that it was found from."""

    step: str
    argument: str
    value: Any
    source: str = Field(alias="from")
    by: str | None = None  #: the job type whose label it is, where that read the words in the same way


class Reading(Record):
    """How the planner reads a goal in one of its plans."""

    words: str = ""  #: what the plan does, in plain words
    confidence: float = Field(ge=0, le=1)  #: how likely the plan is what was asked
    grounded: tuple[Grounding, ...] = ()


class Draft(Reading):
    """A plan that is not checked yet."""

    steps: list[Json]
    result: Any = None  #: as in a plan; None: the steps that no other needs

    @property
    def plan(self) -> Json:
        """What the compiler takes. Of many elements a bad one is left out, and told: it does not lose the others."""
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
    """A job that the planner asks for: the owner of labels is to read words of the goal."""

    type: str
    input: Json


class Answer(Record):
    """What the planner answers: plans are the best first."""

    answer: Kind
    confidence: float = Field(ge=0, le=1)  #: of the first plan
    reason: str = ""  #: why it is unsure, or refuses
    plans: tuple[Draft, ...] = Field(default=(), max_length=MOST_PLANS)
    asks: tuple[Ask, ...] = Field(default=(), max_length=MOST_ASKS)
    missing: tuple[str, ...] = ()  #: where it refuses: parameters of the first of `nearest` that nothing gives
    nearest: tuple[str, ...] = ()  #: ... and job types, those first that come nearest to what is asked


def shown(reading: Reading | None) -> Json:
    """What people are told of a plan; of one that its caller sent there is nothing to tell."""
    if reading is None:
        return {"words": None, "confidence": None, "grounded": []}
    grounded = [each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in reading.grounded]
    return {"words": reading.words, "confidence": reading.confidence, "grounded": grounded}


def read_answer(output: Json) -> Answer:
    """Raises PlanRefused where the planner's output is no answer; its faults quote nothing of the output."""
    try:
        return Answer.model_validate(output)
    except ValidationError as error:
        where = (f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in error.errors())
        raise PlanRefused([f"the planner's answer: {fault}" for fault in where]) from None
