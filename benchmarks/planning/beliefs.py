"""Random beliefs: every part has a random probability, whatever the goal says. Knows no model."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from specialists.planning.evidence.weighing import CONDITIONS
from specialists.planning.evidence.weighing import TALLIES as MOST_TALLIES
from specialists.planning.offers.field import Field
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import NUMBERS, NUMERIC, ORDERS, TALLIES, Beliefs, Condition, Tally, owner_of
from specialists.planning.words.texts import WANTS

Key = tuple[str, str, tuple[str, ...]]


class AnyBind(dict[Key, float]):
    """A random probability for any source that is looked up."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def get(self, key: Key, default: Any = None) -> Any:
        return self.setdefault(key, self._rng.random())


def made_beliefs(rng: random.Random, request: Request) -> Beliefs:
    """Make beliefs with as many conditions and tallies as a planner hands on."""
    conditions = [each for owner, fields in _owners(request) for each in _conditions(rng, owner, fields)]
    tallies = [each for owner, fields in _owners(request) for each in _tallies(rng, owner, fields)]
    return Beliefs(
        wants={want: rng.random() for want in WANTS},
        types={offer.name: rng.random() for offer in request.chosen_from},
        bind=AnyBind(rng),
        literals=dict(_literals(rng, request.chosen_from)),
        conditions=rng.sample(conditions, min(CONDITIONS, len(conditions))),
        tallies=rng.sample(tallies, min(MOST_TALLIES, len(tallies))),
    )


def _owners(request: Request) -> Iterator[tuple[str, list[Field]]]:
    """Yield the owners whose fields may be selected by and counted, as the planner has them."""
    for offer in request.chosen_from:
        yield offer.name, offer.leaves
    for given in request.given:
        if given.items == "object":
            yield owner_of(given), [f for f in given.fields if f.kind not in ("array", "object") and not f.lists]


def _conditions(rng: random.Random, owner: str, fields: Sequence[Field]) -> Iterator[Condition]:
    for field in fields:
        for operator, value in _tests(rng, field):
            yield Condition(owner, field, operator, value, rng.random(), negate=rng.random() < 0.1)


def _tests(rng: random.Random, field: Field) -> list[tuple[str, Any]]:
    if field.labels:
        found: list[tuple[str, Any]] = [("equals", rng.choice(field.labels))]
        return [*found, ("any_of", list(field.labels[:2]))]
    if field.kind == "boolean":
        return [("equals", rng.random() < 0.5)]
    if field.kind in NUMBERS:
        return [(rng.choice(("equals", "greater_than", "at_most")), rng.choice((0, 7, 2.5, -1)))]
    if field.kind in ("string", "any"):
        return [(rng.choice(("equals", "contains")), 'say "yes"'), (rng.choice(("before", "after")), "2026-01-31")]
    return []


def _tallies(rng: random.Random, owner: str, fields: Sequence[Field]) -> Iterator[Tally]:
    for field in fields:
        function = rng.choice((*TALLIES, *ORDERS))
        if function in NUMERIC and field.kind not in (*NUMBERS, "any"):
            continue
        if function == "top" and (field.labels or field.kind == "boolean"):
            continue
        yield Tally(function, owner, field, rng.random(), _options(rng, function))


def _options(rng: random.Random, function: str) -> tuple[tuple[str, Any], ...]:
    if function == "sort":
        return (("descending", True),) if rng.random() < 0.5 else ()
    if function == "top":
        return (("n", rng.randint(1, 9)), *((("smallest", True),) if rng.random() < 0.5 else ()))
    return ()


def _literals(rng: random.Random, offers: Sequence[Offer]) -> Iterator[tuple[tuple[str, str], list[tuple[Any, float]]]]:
    for offer in offers:
        for parameter in offer.parameters:
            if values := _values(rng, parameter):
                yield (offer.name, parameter.name), [(value, rng.random()) for value in values]


def _values(rng: random.Random, parameter: Parameter) -> list[Any]:
    """Values like those that the planner finds in a goal."""
    if parameter.labels:
        return rng.sample(parameter.labels, min(2, len(parameter.labels)))
    if parameter.kind == "boolean":
        return [True, False]
    if parameter.kind in NUMBERS:
        return [3] if parameter.kind == "integer" else [3, 2.5]
    return ["Berlin"] if parameter.kind == "string" else []
