"""An offer: the planner's view of a job type, as a record with parameters and fields. Knows no catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from specialists.planning.flow.literals import REFERENCE
from specialists.planning.offers.field import Field, fields_of, kind_of, labels_of
from specialists.planning.offers.names import spoken
from specialists.planning.offers.parameter import Parameter

#: Functions whose meaning the planner has built in: it composes them and does not choose them by their description.
FUNCTIONS = frozenset(
    (
        *("table", "count", "filter", "sum", "average", "min", "max", "sort", "top", "unique", "pick"),
        *("group", "join", "flatten", "template"),
    )
)
#: How many labels of one field a description shows.
SHOWN_LABELS = 6


@dataclass(frozen=True)
class Offer:
    """A job type as the planner sees it."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    fields: tuple[Field, ...]  #: every path of the output, with the lists and objects on the way
    function: bool = False

    @property
    def required(self) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.required]

    @cached_property
    def leaves(self) -> list[Field]:
        """The fields that hold a single value each."""
        return [field for field in self.fields if field.kind not in ("array", "object")]

    @cached_property
    def words(self) -> str:
        """The name, the description, the parameters and the fields in one line."""
        needs = ", ".join(spoken(parameter.name) for parameter in self.parameters)
        gives = ", ".join(_shown(field) for field in self.fields if field.kind != "object")
        return f"{spoken(self.name)}: {self.description} From {needs or 'nothing'}. Gives {gives}."


def read_offer(offer: Mapping[str, Any]) -> Offer:
    properties = offer["input"].get("properties", {})
    required = set(offer["input"].get("required", []))
    parameters = tuple(
        Parameter(
            name=name,
            kind=kind_of(schema),
            required=name in required,
            labels=labels_of(schema),
            about=schema.get("description", ""),
            items=kind_of(schema["items"]) if isinstance(schema.get("items"), dict) else None,
            bounded=schema.get("maxLength"),
            schema=schema,
        )
        for name, schema in properties.items()
        if name != REFERENCE
    )
    fields = tuple(fields_of(offer["output"]))
    return Offer(offer["name"], offer["description"], parameters, fields, bool(offer.get("function")))


def _shown(field: Field) -> str:
    if not field.labels:
        return spoken(field.path)
    shown = ", ".join(spoken(label) for label in field.labels[:SHOWN_LABELS])
    more = ", ..." if len(field.labels) > SHOWN_LABELS else ""
    return f"{spoken(field.path)} ({shown}{more})"
