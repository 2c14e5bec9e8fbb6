"""A plan: the steps that reach a goal. Its edges are the references in their arguments. Knows no job and no run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from coordinator.plans import references
from infra.field_names import CLAIM_WITHIN_S
from infra.records import Json, Record
from specialists.offers import PLANNER

MOST_ASKS = 8  #: of a planner, before there is a plan
#: The ids of the steps that ask for a plan, once more after others were asked what words mean, and of these.
PLANNING = "planner"
PLANNING_AGAIN = "planner_again"
ASKS = tuple(f"planner_asks_{number}" for number in range(1, MOST_ASKS + 1))
#: Of these, the steps whose jobs do not count as the plan's.
BESIDE_THE_PLAN = frozenset({PLANNING_AGAIN, *ASKS})
RESERVED = frozenset({references.INPUTS, PLANNING}) | BESIDE_THE_PLAN  #: no step of a plan has such an id
MAX_STEPS = 64

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Join(StrEnum):
    """How many jobs of a mapped step must succeed. As soon as any or a quorum have, the others are cancelled."""

    ALL = "all"
    ANY = "any"  #: one


class Quorum(Record):
    quorum: int = Field(gt=0)  #: so many must succeed


class OnFailure(StrEnum):
    """What it means that a job failed; or, of a step that joins any or a quorum, that too many did."""

    FAIL = "fail"  #: the run fails
    SKIP = "skip"  #: a place without an output is null in the step's value
    #: The same, but a step none of whose jobs succeeded fails the run: what the planner's plans say of mapped steps.
    LEAVE_OUT = "leave_out"


class Default(Record):
    default: Json  #: … or has this output


def _either(word: type[StrEnum], object_: type[Record], known: str) -> BeforeValidator:
    """One sentence, `known`, for what is neither: a union of the two would say one a member."""

    def read(value: object) -> object:
        try:
            return word(value) if isinstance(value, str) else object_.model_validate(value)
        except ValueError:
            raise PydanticCustomError("neither", "must be {known}", {"known": known}) from None

    return BeforeValidator(read)


_JOIN = _either(Join, Quorum, "'all', 'any' or {\"quorum\": a number above 0}")
_ON_FAILURE = _either(OnFailure, Default, "'fail', 'skip', 'leave_out' or {\"default\": an output}")


class Limits(Record, validate_by_name=True):
    max_jobs: int = Field(gt=0)  #: of the run
    deadline_s: float = Field(gt=0, le=7 * 86_400)  #: from accepted to ended
    max_replans: int = Field(ge=0)  #: more plans of the planner that are tried where its first does not compile
    #: a job expires unless a worker claims it within this time after it was ready; None: its type's
    claim_within_s: float | None = Field(default=None, gt=0, validation_alias=CLAIM_WITHIN_S)


class Map(Record):
    over: Json  #: a reference to a list: one job an element
    item: Name = Field(alias="as")  #: what the arguments call the element


class Step(Record):
    id: Name
    type: str = Field(min_length=1, max_length=64)
    args: Json = Field(default_factory=dict)
    map: Map | None = None
    after: tuple[str, ...] = Field(default=(), max_length=MAX_STEPS)  #: for order alone
    join: Annotated[Join | Quorum, _JOIN] = Join.ALL
    on_failure: Annotated[OnFailure | Default, _ON_FAILURE] = OnFailure.FAIL

    @property
    def output_in_place(self) -> Json | None:
        """What a job that failed has for its output; None: null."""
        return self.on_failure.default if isinstance(self.on_failure, Default) else None

    @property
    def goes_on(self) -> bool:
        """Whether an element of its map that no job can be made of, or whose job fails, fails no more than itself."""
        return self.map is not None and (self.join is not Join.ALL or self.on_failure is not OnFailure.FAIL)

    def wanted(self, total: int) -> int:
        """How many of its `total` jobs must succeed."""
        if isinstance(self.join, Join):
            return total if self.join is Join.ALL else 1
        return self.join.quorum

    def names(self) -> set[str]:
        """What its references are to: steps and `inputs`, not the map's variable."""
        over = self.map.over if self.map else None
        return references.heads([self.args, over]) - ({self.map.item} if self.map else set())

    def needs(self) -> set[str]:
        """The ids of the steps that must end before this one."""
        return self.names() - {references.INPUTS} | set(self.after)


class Plan(Record):
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MAX_STEPS)
    result: Any  #: a template: what the run results in
    limits: Limits

    @property
    def draft(self) -> Json:
        """As it can be handed in again: without the limits, which are its run's."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"limits"})

    def step(self, step_id: str) -> Step:
        return next(step for step in self.steps if step.id == step_id)


def planning(limits: Limits) -> Plan:
    """The plan of one step that asks for a plan."""
    step = Step(id=PLANNING, type=PLANNER)
    return Plan(steps=(step,), result={references.KEY: PLANNING}, limits=limits)


def planning_again(asks: Mapping[str, str], limits: Limits) -> Plan:
    """Planning goes on: jobs whose answers may be missing, then the planner once more. `asks`: step -> job type."""
    steps_of_asks = [
        Step(id=name, type=each, after=(PLANNING,), on_failure=OnFailure.SKIP) for name, each in asks.items()
    ]
    again = Step(id=PLANNING_AGAIN, type=PLANNER, after=(PLANNING, *asks))
    steps = (Step(id=PLANNING, type=PLANNER), *steps_of_asks, again)
    return Plan(steps=steps, result={references.KEY: PLANNING_AGAIN}, limits=limits)


class PlanRefused(Exception):
    """A draft is no plan. `faults` says everything that is wrong with it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(self.faults))
