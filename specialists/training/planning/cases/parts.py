"""Parts: right and wrong texts for the head that says whether a goal asks for a condition, a field or a literal.

It knows no search and no model. The planner asks with the same texts: `specialists.planning.words.texts`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from specialists.planning.flow.conditions import CONDITIONS
from specialists.planning.normal.form import Normal, Operation
from specialists.planning.offers.field import Field
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import NUMBERS, NUMERIC, ORDERS, TALLIES
from specialists.planning.words import texts
from specialists.planning.words.amounts import numbers
from specialists.schemas import Json

BY_FIELD = (*TALLIES, *ORDERS)
#: The most texts of one case.
MOST = 16
#: How many wrong texts each right one gets, by kind; the last number counts labels that have nothing to do with the
#: goal.
WRONG_LABELS, WRONG_FIELDS, OTHER_FIELDS, WRONG_LITERALS, STRAY_LABELS = 5, 2, 3, 3, 3
#: The share of cases with a function of a field that the goal does not ask for.
STRAY_FUNCTIONS = 0.7

Part = tuple[str, bool]


def parts(request: Request, plan: Normal | None, draw: Random) -> list[Part]:
    """At most `MOST` different texts, each with whether the goal asks for it. If `plan` is None, it asks for none."""
    right = dict.fromkeys(_right(request, plan)) if plan else {}
    wrong = dict.fromkeys([*(_wrong(request, plan, draw) if plan else ()), *_stray(request, draw)])
    found = [(text, True) for text in right] + [(text, False) for text in wrong if text not in right]
    return found[:MOST]


def _right(request: Request, plan: Normal) -> Iterator[str]:
    for operation in ordered(plan):
        field = field_at(request, operation.source, operation.field)
        if field is None:
            continue
        if operation.function in BY_FIELD:
            yield texts.by_field(operation.function, field)
        else:
            for operator, value in conditions_of(operation):
                yield texts.condition(field, operator, label_like(field, value))
    for _, parameter, value in literals(request, plan):
        yield texts.literal(parameter, value)


def _wrong(request: Request, plan: Normal, draw: Random) -> Iterator[str]:
    for operation in ordered(plan):
        field = field_at(request, operation.source, operation.field)
        if field is None:
            continue
        if operation.function in BY_FIELD:
            yield from _other_functions(request, plan, operation.function, operation.source, field, draw)
        elif condition := condition_of(operation):
            yield from _other_conditions(request, operation.source, field, *condition, draw)
    for _, parameter, value in literals(request, plan):
        others = _other_values(request, parameter, value, draw)
        for each in draw.sample(others, min(WRONG_LITERALS, len(others))):
            yield texts.literal(parameter, each)
    for parameter in _unfilled(request, plan):
        for label in draw.sample(parameter.labels, min(2, len(parameter.labels))):
            yield texts.literal(parameter, label)


def _other_conditions(
    request: Request, source: str, field: Field, operator: str, value: Any, draw: Random
) -> Iterator[str]:
    if field.labels:
        for label in draw.sample(field.labels, min(WRONG_LABELS, len(field.labels))):
            yield texts.condition(field, "equals", label)
    elif field.kind == "boolean":
        yield texts.condition(field, "equals", "false" if str(value).lower() == "true" else "true")
    else:
        others = [each for each in leaves_of(request, source) if each.path != field.path and not each.labels]
        for each in draw.sample(others, min(WRONG_FIELDS, len(others))):
            yield texts.condition(each, operator, value)


def _other_functions(
    request: Request, plan: Normal, function: str, source: str, field: Field, draw: Random
) -> Iterator[str]:
    """Yield the same function of other fields, and another function of the same field."""
    owners = dict.fromkeys([source, *sorted(plan.types), *(given.name for given in request.given)])
    others = [each for owner in owners for each in leaves_of(request, owner) if each.path != field.path]
    if function in NUMERIC:
        others = [each for each in others if each.kind in NUMBERS] or others[:1]
    for each in draw.sample(others, min(OTHER_FIELDS, len(others))):
        yield texts.by_field(function, each)
    yield texts.by_field(draw.choice([each for each in BY_FIELD if each != function]), field)


def _other_values(request: Request, parameter: Parameter, value: Any, draw: Random) -> list[Any]:
    if parameter.labels:
        return [label for label in parameter.labels if label != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return list(dict.fromkeys(each.value for each in numbers(request.goal) if each.value != value))[:2]
    words = [word for word in re.findall(r"\w{4,}", request.goal) if word.casefold() not in str(value).casefold()]
    return [draw.choice(words or ["none"])]


def _unfilled(request: Request, plan: Normal) -> Iterator[Parameter]:
    """Yield the parameters with labels that the plan leaves out."""
    for use in sorted(plan.uses):
        given = {name for name, _ in use.arguments}
        for parameter in request.by_name[use.type].parameters if use.type in request.by_name else ():
            if parameter.labels and parameter.name not in given:
                yield parameter


def _stray(request: Request, draw: Random) -> Iterator[str]:
    """Yield texts about fields and labels of any job type on offer."""
    fields = [field for offer in request.chosen_from for field in offer.leaves]
    labels = [(field, label) for field in fields for label in field.labels]
    for field, label in draw.sample(labels, min(STRAY_LABELS, len(labels))):
        yield texts.condition(field, "equals", label)
    if fields and draw.random() < STRAY_FUNCTIONS:
        yield texts.by_field(draw.choice(BY_FIELD), draw.choice(fields))


def ordered(plan: Normal) -> list[Operation]:
    """The plan's operations in an order that is the same in every process."""
    return sorted(plan.operations)


def options_of(operation: Operation) -> Json:
    """Its arguments other than items and field; empty for a template."""
    found: Json = json.loads(operation.value) if operation.value and operation.function != "template" else {}
    return found


def condition_of(operation: Operation) -> tuple[str, Any] | None:
    """The (operator, value) that a filter selects by; None if the operation is no filter."""
    options = options_of(operation) if operation.function == "filter" else {}
    return next(((name, options[name]) for name in CONDITIONS if name in options), None)


def conditions_of(operation: Operation) -> Iterator[tuple[str, Any]]:
    """Yield (operator, value) for each value that a filter selects by; `any_of` yields each of its values."""
    if condition := condition_of(operation):
        operator, value = condition
        for each in value if isinstance(value, list) else [value]:
            yield "equals" if operator == "any_of" else operator, each


def literals(request: Request, plan: Normal) -> Iterator[tuple[Offer, Parameter, Any]]:
    """Yield the arguments that the plan writes out."""
    for use in sorted(plan.uses):
        offer = request.by_name.get(use.type)
        parameters = {each.name: each for each in offer.parameters} if offer else {}
        for name, origin in use.arguments:
            if offer and name in parameters and _is_literal(request, origin):
                try:
                    yield offer, parameters[name], json.loads(origin)
                except ValueError:
                    continue


def _is_literal(request: Request, origin: str) -> bool:
    head = origin.partition(".")[0]
    return origin.partition("(")[0] not in request.by_name and all(given.name != head for given in request.given)


def field_at(request: Request, source: str, path: str) -> Field | None:
    """The field of a job type or an input at `path`."""
    return next((field for field in _fields_of(request, source) if field.path == path), None)


def leaves_of(request: Request, source: str) -> list[Field]:
    return [field for field in _fields_of(request, source) if field.kind not in ("array", "object")]


def _fields_of(request: Request, source: str) -> Sequence[Field]:
    if source in request.by_name:
        return request.by_name[source].fields
    return next((given.fields for given in request.given if given.name == source), ())


def label_like(field: Field, value: Any) -> Any:
    """The field's label that a normal form shows as `value`, or `value` itself if there is none."""
    return next((label for label in field.labels if plain(label) == plain(value)), value)


def plain(value: Any) -> str:
    """Write a value as a normal form shows a label."""
    return str(value).casefold().replace("_", " ")
