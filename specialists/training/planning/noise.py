"""Noise: beliefs as scorers that err would have them, for a goal whose plan is known.

What the plan has is likely; some of the rest is likely too. The search makes plans of them that a judge has to tell
apart. Knows no scorer.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from specialists.planning import texts
from specialists.planning.normal import Normal
from specialists.planning.offered import Field, Json, Parameter, Request
from specialists.planning.search import NUMBERS, NUMERIC, ORDERS, TALLIES, Beliefs, Condition, Tally, owner_of
from specialists.planning.spans import numbers, spans
from specialists.planning.wants import wants_of
from specialists.training.planning.parts import (
    condition_of,
    field_at,
    label_like,
    leaves_of,
    literals,
    options_of,
    ordered,
)
from specialists.training.planning.sources import Bound, bound, fits, sources

Range = tuple[float, float]  #: of a probability, drawn evenly

TYPE_RIGHT, TYPE_CONFUSED, TYPE_WRONG = (0.4, 0.99), (0.3, 0.95), (0.005, 0.3)
WANT_RIGHT, WANT_CONFUSED, WANT_WRONG = (0.35, 0.98), (0.2, 0.7), (0.005, 0.12)
BIND_RIGHT, BIND_CONFUSED, BIND_WRONG = (0.5, 0.99), (0.2, 0.9), (0.01, 0.25)
PART_RIGHT, PART_WRONG, LITERAL_RIGHT = (0.4, 0.95), (0.02, 0.6), (0.5, 0.98)
#: How many job types are confused with the right ones; shares of wants and of sources that are.
CONFUSED_TYPES, CONFUSED_WANTS, CONFUSED_BINDS = 2, 0.12, 0.25
#: From which probability on a job type's fields may be selected and counted by.
LIKELY = 0.25
#: Wrong ones at most, and labels of one field.
STRAY_CONDITIONS, STRAY_TALLIES, LABELS = 5, 6, 3

Owner = tuple[str, list[Field]]


def noisy(request: Request, plan: Normal | None, steps: list[Json] | None, draw: Random) -> Beliefs:
    """`plan`: the normal form of `steps`; None: nothing on offer does it, and nothing is right."""
    return _Noise(request, plan, steps, draw).beliefs()


class _Noise:
    def __init__(self, request: Request, plan: Normal | None, steps: list[Json] | None, draw: Random) -> None:
        self._request = request
        self._plan = plan
        self._steps = steps
        self._draw = draw

    def beliefs(self) -> Beliefs:
        types, wants = self._types(), self._wants()
        owners = self._owners(types)
        conditions = [*self._right_conditions(), *self._stray_conditions(owners)]
        tallies = [*self._right_tallies(), *self._stray_tallies(owners, wants)]
        return Beliefs(wants, types, self._bind(), self._literals(), conditions, tallies)

    def _between(self, range: Range) -> float:
        return self._draw.uniform(*range)

    def _types(self) -> dict[str, float]:
        offers = [offer.name for offer in self._request.chosen_from]
        used = self._plan.types if self._plan else set()
        confused = set(self._draw.sample(offers, min(CONFUSED_TYPES, len(offers))))
        ranges = ((n, TYPE_RIGHT if n in used else TYPE_CONFUSED if n in confused else TYPE_WRONG) for n in offers)
        return {name: self._between(range) for name, range in ranges}

    def _wants(self) -> dict[str, float]:
        if self._plan is None or self._steps is None:
            found = {want: self._want(False) for want in texts.WANTS}
            return found | {want: self._between((0.3, 0.9)) for want in self._draw.sample(texts.WANTS, 2)}
        return {want: self._want(is_right) for want, is_right in wants_of(self._plan, self._steps).items()}

    def _want(self, is_right: bool) -> float:
        if is_right:
            return self._between(WANT_RIGHT)
        return self._between(WANT_CONFUSED if self._draw.random() < CONFUSED_WANTS else WANT_WRONG)

    def _bind(self) -> dict[tuple[str, str, tuple[str, ...]], float]:
        right = {(each.offer.name, each.parameter.name, each.key) for each in self._bound()}
        everything = sources(self._request)
        found = {}
        for offer in self._request.chosen_from:
            for parameter in offer.parameters:
                for source in everything:
                    key = (offer.name, parameter.name, source.key)
                    if (source.is_output and source.owner == offer.name) or not fits(source.kind, parameter):
                        continue
                    confused = self._draw.random() < CONFUSED_BINDS
                    range = BIND_RIGHT if key in right else BIND_CONFUSED if confused else BIND_WRONG
                    found[key] = self._between(range)
        return found

    def _bound(self) -> list[Bound]:
        return bound(self._request, self._plan) if self._plan else []

    def _literals(self) -> dict[tuple[str, str], list[tuple[Any, float]]]:
        found: dict[tuple[str, str], list[tuple[Any, float]]] = {}
        for offer in self._request.chosen_from:
            for parameter in offer.parameters:
                wrong = [(value, self._between(PART_WRONG)) for value in self._stray_values(parameter)]
                found[offer.name, parameter.name] = wrong
        for offer, parameter, value in literals(self._request, self._plan) if self._plan else ():
            found[offer.name, parameter.name].append((value, self._between(LITERAL_RIGHT)))
        return found

    def _stray_values(self, parameter: Parameter) -> list[Any]:
        if parameter.labels:
            return self._draw.sample(parameter.labels, min(2, len(parameter.labels)))
        if parameter.kind in NUMBERS:
            return [each.value for each in numbers(self._request.goal)][:2]
        if parameter.kind == "string":
            return list(spans(self._request.goal)[:2])
        return [True] if parameter.kind == "boolean" else []

    def _owners(self, types: dict[str, float]) -> list[Owner]:
        """What has fields that may be selected or counted by."""
        likely = [(offer.name, offer.leaves) for offer in self._request.chosen_from if types[offer.name] > LIKELY]
        given = [each for each in self._request.given if each.items == "object"]
        return likely + [(owner_of(g), [f for f in leaves_of(self._request, g.name) if not f.lists]) for g in given]

    def _owner(self, source: str) -> str:
        """A job type or an input, as a normal form calls it, by the name that the search has for it."""
        given = {each.name: each for each in self._request.given}
        return source if source in self._request.by_name else owner_of(given[source])

    def _right_conditions(self) -> Iterator[Condition]:
        for operation in ordered(self._plan) if self._plan else ():
            field, condition = field_at(self._request, operation.source, operation.field), condition_of(operation)
            if field is None or condition is None:
                continue
            operator, value = condition
            value = str(value).lower() == "true" if field.kind == "boolean" else label_like(field, value)
            yield Condition(self._owner(operation.source), field, operator, value, self._between(PART_RIGHT))

    def _stray_conditions(self, owners: list[Owner]) -> list[Condition]:
        found = [
            Condition(owner, field, "equals", value, self._between(PART_WRONG))
            for owner, fields in owners
            for field in fields
            for value in self._values(field)
        ]
        return self._draw.sample(found, min(STRAY_CONDITIONS, len(found)))

    def _values(self, field: Field) -> list[Any]:
        if field.labels:
            return self._draw.sample(field.labels, min(LABELS, len(field.labels)))
        return [True] if field.kind == "boolean" else []

    def _right_tallies(self) -> Iterator[Tally]:
        for operation in ordered(self._plan) if self._plan else ():
            field = field_at(self._request, operation.source, operation.field)
            if field and operation.function in (*TALLIES, *ORDERS):
                options = tuple(options_of(operation).items())
                owner = self._owner(operation.source)
                yield Tally(operation.function, owner, field, self._between(PART_RIGHT), options)

    def _stray_tallies(self, owners: list[Owner], wants: dict[str, float]) -> list[Tally]:
        found = [
            Tally(function, owner, field, self._between(PART_WRONG), self._options(function))
            for function in (*TALLIES, *ORDERS)
            if wants[function] > 0.1
            for owner, fields in owners
            for field in fields
            if _may(function, field)
        ]
        return self._draw.sample(found, min(STRAY_TALLIES, len(found)))

    def _options(self, function: str) -> tuple[tuple[str, Any], ...]:
        if function == "sort":
            return (("descending", True),) if self._draw.random() < 0.5 else ()
        if function == "top":
            counts = [
                each.value for each in numbers(self._request.goal) if isinstance(each.value, int) and each.value > 0
            ]
            return (("n", counts[0] if counts else 1),)
        return ()


def _may(function: str, field: Field) -> bool:
    if function in NUMERIC:
        return field.kind in (*NUMBERS, "any")
    return function != "top" or not (field.labels or field.kind == "boolean")
