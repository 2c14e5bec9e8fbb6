"""Texts: the wording of parts of a plan for the scorer, the same in training and in planning. Knows no model."""

from __future__ import annotations

import json
from typing import Any

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter

#: The things that a goal may ask beyond its job types; the layer over whole goals gives a number for each.
WANTS = (
    *("count", "filter", "sum", "average", "min", "max", "sort", "top", "unique", "pick", "group", "join"),
    *("template", "flatten"),
    "pair",  # several types over the same items
    "chain",  # a type that takes another's output
    "then",  # a type applied to the selected items only
    "ends",  # two results
    "single",  # job types are applied once, not to each item of a list
    "literal",  # an argument that the goal states in words
    "number",  # a selection by a number or a date
    "negate",  # a selection of the items that do not match
    "descending",  # an order from the largest on
    "untyped",  # functions alone, without a job type
    "impossible",
)
#: What texts are compared for: a job type, a part of a plan (a value or a field), or the origin of an argument.
TASKS = ("type", "part", "bind")
_BY_FIELD = {
    "count": "how many of each",
    "sum": "the sum of",
    "average": "the average",
    "min": "the smallest",
    "max": "the largest",
    "sort": "in order of",
    "top": "the first few by",
    "unique": "the different",
    "pick": "just the",
    "group": "grouped by",
    "filter": "only where",
}
COMPARED = {
    "contains": "has in it",
    "greater_than": "is more than",
    "less_than": "is less than",
    "at_least": "is at least",
    "at_most": "is at most",
    "before": "is before",
    "after": "is after",
    "any_of": "is one of",
    "equals": "is",
}
#: How many words of a description a plan in words repeats.
DESCRIBED = 14


def known(offer: Offer) -> str:
    """The name under which the layer over whole goals knows a job type; a changed description makes it unknown."""
    return f"type {offer.name}: {offer.description}"


def by_field(function: str, field: Field | str) -> str:
    """For example `the sum of minutes`."""
    return f"{_BY_FIELD[function]} {_named(field)}"


def condition(field: Field | str, operator: str, value: Any, negate: bool = False) -> str:
    """For example `only where level is critical`."""
    said = ", ".join(map(spoken, value)) if isinstance(value, list) else spoken(plain(value))
    return f"only where {_named(field)} {COMPARED[operator]} {'not ' if negate else ''}{said}"


def literal(parameter: Parameter, value: Any) -> str:
    """For example `with language: the language to translate into is French`."""
    return f"with {parameter.words} is {spoken(plain(value))}"


def source_of_item(given: Given) -> str:
    """Describe an input without fields, or an element of an input list without fields."""
    sample = given.sample[0] if isinstance(given.sample, list) and given.sample else given.sample
    return (
        f"each of {spoken(given.name)}{_such_as(sample)}"
        if given.kind == "array"
        else f"{spoken(given.name)}{_such_as(sample)}"
    )


def source_of_field(given: Given, field: Field) -> str:
    """Describe a field of an input, or of each of its elements."""
    sample = given.sample[0] if isinstance(given.sample, list) and given.sample else given.sample
    for name in field.path.split("."):
        sample = sample.get(name) if isinstance(sample, dict) else None
    return f"{spoken(field.path)} of {spoken(given.name)}{_such_as(sample)}"


def source_of_list(given: Given) -> str:
    """Describe the whole of an input list."""
    return f"all {spoken(given.name)}"


def source_of_output(offer: Offer, field: Field) -> str:
    """Describe a field of another job type's output."""
    return f"{spoken(field.path)} read by {spoken(offer.name)}" + (f": {field.about}" if field.about else "")


def needed(offer: Offer, parameter: Parameter) -> str:
    """Describe a parameter's need for the scorer of sources."""
    return f"{parameter.words} for {spoken(offer.name)}: {short(offer.description)}"


def _named(field: Field | str) -> str:
    if isinstance(field, str):
        return spoken(field.rpartition(".")[2])
    return f"{field.words} ({field.about})" if field.about else field.words


def plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _such_as(sample: Any) -> str:
    if isinstance(sample, dict | list):
        sample = json.dumps(sample, ensure_ascii=False)
    return "" if sample is None else f', such as "{" ".join(str(sample).split())[:40]}"'


def short(description: str) -> str:
    words = description.split()
    return " ".join(words[:DESCRIBED]) + (" ..." if len(words) > DESCRIBED else "")
