"""A saved plan: a plan that is kept under a name to run again, with holes for its inputs. Knows no ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import Field, ValidationError, field_validator, model_validator

from coordinator.plans import references
from coordinator.plans.holes import fill_faults, with_defaults
from infra.field_names import current_name, current_names
from infra.ledger.unreadable import kinds_of
from infra.records import Json, Record

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class UnreadablePlan(ValueError):
    """This version of the product cannot read the record of a saved plan. The message names the plan."""


class PlanRequest(Record):
    """A plan to save under a name: one that is sent, or the plan of a goal."""

    plan: Json | None = Field(
        default=None,
        description='A plan: {"steps": […], "result": …}. A value that is set at each run is a reference to an input.',
    )
    run: str | None = Field(default=None, description="The id of a goal, in place of a plan. The goal's plan is saved.")
    inputs: dict[str, Json] = Field(
        default_factory=dict,
        description="The JSON Schema of each input that the plan refers to. An input with a `default` may be left out. "
        "Where a goal's plan is saved, the schemas that are not given here are made from the goal's inputs.",
    )

    @model_validator(mode="after")
    def _says_one(self) -> PlanRequest:
        if (self.plan is None) == (self.run is None):
            raise ValueError("send either 'plan' or 'run', the id of a goal")
        return self


class SavedPlan(Record):
    plan: Json  #: a draft, which is compiled again with each goal's inputs
    inputs: dict[str, Json]  #: the holes by name

    @field_validator("plan")
    @classmethod
    def _named_as_today(cls, plan: Json) -> Json:
        limits = plan.get("limits")
        return plan | {"limits": current_names(limits)} if isinstance(limits, dict) else plan

    @classmethod
    def load(cls, name: str, body: Json) -> SavedPlan:
        """Raises UnreadablePlan."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise UnreadablePlan(f"plan {name!r}: its record does not read: {kinds_of(error)}") from None

    def faults(self, inputs: Json) -> list[str]:
        """The reasons why `inputs` do not fill its holes."""
        return fill_faults(inputs, self.inputs)

    def filled(self, inputs: Json) -> Json:
        """`inputs` with the defaults of the holes that they leave out."""
        return with_defaults(inputs, self.inputs)

    def draft(self, said: Iterable[str]) -> Json:
        """The plan without its limits that the goal sets itself. `said`: the names of the goal's limits."""
        own = set(map(current_name, said))
        limits = {name: limit for name, limit in self.plan.get("limits", {}).items() if name not in own}
        return {**self.plan, "limits": limits}


def inputs_used(draft: Json) -> list[str] | None:
    """The names of the inputs that a draft refers to, in its order. None if it refers to all of them at once."""
    paths = [references.parts(path) for path in references.find(draft)]
    names = [path[1:2] for path in paths if path[0] == references.INPUTS]
    return list(dict.fromkeys(name for each in names for name in each)) if all(names) else None


def name_fault(name: str) -> str | None:
    """The fault of a saved plan's name; None if it has none."""
    if NAME.fullmatch(name):
        return None
    return f"name: {name[:64]!r} is no plan's name: 1 to 64 letters, digits, '.', '_' and '-', the first no sign"
