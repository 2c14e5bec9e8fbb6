"""A plan: the steps that reach a goal. Knows no job and no run.

The references in the steps' arguments are the edges of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from coordinator.plans import references
from infra.field_names import CLAIM_WITHIN_S
from infra.records import Json, Record, Top
from specialists.offers import PLANNER

MOST_ASKS = 8  #: how many jobs the planner may ask for before there is a plan
#: PLANNING asks for a plan. The steps in ASKS ask others what words mean, and then PLANNING_AGAIN asks once more.
PLANNING = "planner"
PLANNING_AGAIN = "planner_again"
ASKS = tuple(f"planner_asks_{number}" for number in range(1, MOST_ASKS + 1))
#: The steps of planning whose jobs do not count as the plan's.
BESIDE_THE_PLAN = frozenset({PLANNING_AGAIN, *ASKS})
RESERVED = frozenset({references.INPUTS, PLANNING}) | BESIDE_THE_PLAN  #: ids that no step of a plan may have
MAX_STEPS = 64

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Join(StrEnum):
    """How many jobs of a mapped step must succeed. As soon as that many have, the others are cancelled."""

    ALL = "all"
    ANY = "any"  #: one job must succeed


class Quorum(Record):
    quorum: int = Field(gt=0)  #: how many jobs must succeed


class OnFailure(StrEnum):
    """The effect of a failed job. In a step that joins any or a quorum, it takes effect when too many have failed."""

    FAIL = "fail"  #: the run fails
    SKIP = "skip"  #: a place without an output is null in the step's value
    #: Like SKIP, but the run fails if no job of the step succeeded. The planner's plans use it for mapped steps.
    LEAVE_OUT = "leave_out"


class Default(Record):
    default: Json  #: a place without an output has this output


def _either(word: type[StrEnum], object_: type[Record], known: str) -> BeforeValidator:
    """Report a value that is neither with one sentence, `known`; a plain union would report one for each member."""

    def read(value: object) -> object:
        try:
            return word(value) if isinstance(value, str) else object_.model_validate(value)
        except ValueError:
            raise PydanticCustomError("neither", "must be {known}", {"known": known}) from None

    return BeforeValidator(read)


_JOIN = _either(Join, Quorum, "'all', 'any' or {\"quorum\": a number above 0}")
_ON_FAILURE = _either(OnFailure, Default, "'fail', 'skip', 'leave_out' or {\"default\": an output}")


class Limits(Record, validate_by_name=True):
    max_jobs: int = Field(gt=0)  #: how many jobs the run may have
    deadline_s: float = Field(gt=0, le=7 * 86_400)  #: how long the run may take from accepted to ended
    max_replans: int = Field(ge=0)  #: how many more of the planner's plans are tried if the first does not compile
    #: A job expires unless a worker claims it within this time after it was ready. None: the limit of its job type.
    claim_within_s: float | None = Field(default=None, gt=0, validation_alias=CLAIM_WITHIN_S)


class Map(Record):
    over: Json  #: a reference to a list; the step has one job for each of its elements
    item: Name = Field(alias="as")  #: the name of the element in the arguments


class Step(Record):
    id: Name
    type: str = Field(min_length=1, max_length=64)
    args: Json = Field(default_factory=dict)
    map: Map | None = None
    after: tuple[str, ...] = Field(default=(), max_length=MAX_STEPS)  #: steps that must end first, for order alone
    join: Annotated[Join | Quorum, _JOIN] = Join.ALL
    on_failure: Annotated[OnFailure | Default, _ON_FAILURE] = OnFailure.FAIL
    top: Top = None  #: the outcomes of its jobs tell so many values of each label with their probabilities

    @property
    def output_in_place(self) -> Json | None:
        """The output that takes the place of a failed job's; None stands for null."""
        return self.on_failure.default if isinstance(self.on_failure, Default) else None

    @property
    def goes_on(self) -> bool:
        """Whether the step goes on after an element that fails, or that no job can be made of."""
        return self.map is not None and (self.join is not Join.ALL or self.on_failure is not OnFailure.FAIL)

    def wanted(self, total: int) -> int:
        """How many of its `total` jobs must succeed."""
        if isinstance(self.join, Join):
            return total if self.join is Join.ALL else 1
        return self.join.quorum

    def names(self) -> set[str]:
        """The names that its references begin with: steps and `inputs`, but not the map's variable."""
        over = self.map.over if self.map else None
        return references.heads([self.args, over]) - ({self.map.item} if self.map else set())

    def needs(self) -> set[str]:
        """The ids of the steps that must end before this one."""
        return self.names() - {references.INPUTS} | set(self.after)


class Plan(Record):
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MAX_STEPS)
    result: Any  #: the template of the run's result
    limits: Limits

    @property
    def draft(self) -> Json:
        """The plan as it can be sent again: without the limits, which belong to its run."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"limits"})

    def step(self, step_id: str) -> Step:
        return next(step for step in self.steps if step.id == step_id)


def planning(limits: Limits) -> Plan:
    """The plan whose one step asks the planner for a plan."""
    step = Step(id=PLANNING, type=PLANNER)
    return Plan(steps=(step,), result={references.KEY: PLANNING}, limits=limits)


def planning_again(asks: Mapping[str, str], limits: Limits) -> Plan:
    """The plan by which planning goes on: the asks, whose jobs may fail, and then the planner once more.

    `asks`: step id -> job type.
    """
    steps_of_asks = [
        Step(id=name, type=each, after=(PLANNING,), on_failure=OnFailure.SKIP) for name, each in asks.items()
    ]
    again = Step(id=PLANNING_AGAIN, type=PLANNER, after=(PLANNING, *asks))
    steps = (Step(id=PLANNING, type=PLANNER), *steps_of_asks, again)
    return Plan(steps=steps, result={references.KEY: PLANNING_AGAIN}, limits=limits)


class PlanRefused(Exception):
    """The draft is no valid plan. `faults` says everything that is wrong with it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(self.faults))
