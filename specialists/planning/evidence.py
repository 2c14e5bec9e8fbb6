"""Evidence: a few numbers that speak for or against each part of a plan, and the one probability that they come to.

A scorer sees one text beside the goal. That a field has the parameter's name, that a job type stands out among all,
that a number stands in the goal: each says something more. A logistic model for each kind of part, fitted on goals held
out, weighs them. Knows no scorer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs, Condition, Tally

Evidence = dict[str, float]
Weights = Mapping[str, float]  #: by the name of a number; "" is the constant
Source = tuple[str, str, tuple[str, ...]]  #: job type, parameter, the source's key

AS_IT_IS: Weights = {"own": 1.0}
#: The kinds of parts; what a goal wants has a model for each name, `wants.NAME`.
KINDS = ("type", "among", "bind", "condition", "tally", "literal")
CONDITIONS, TALLIES = 24, 30  #: that the search takes up, the likeliest


@dataclass
class Found:
    """All that was found about a goal's parts."""

    wants: dict[str, float]  #: numbers, before any sigmoid
    types: dict[str, Evidence]
    binds: dict[Source, Evidence] = field(default_factory=dict)
    conditions: list[tuple[Condition, Evidence]] = field(default_factory=list)
    tallies: list[tuple[Tally, Evidence]] = field(default_factory=list)
    literals: list[tuple[tuple[str, str], Any, Evidence]] = field(default_factory=list)
    pieces: dict[str, float] = field(default_factory=dict)  #: like `wants`, the most of any part of the goal by itself


def types_of(types: Mapping[str, Evidence], models: Mapping[str, Weights]) -> dict[str, float]:
    """How likely the goal needs each job type: by itself, then among the others."""
    return {name: number(models, "among", each, p=True) for name, each in among(types, models).items()}


def among(types: Mapping[str, Evidence], models: Mapping[str, Weights]) -> dict[str, Evidence]:
    """How each job type's own number stands among those of the others."""
    own = {name: number(models, "type", each) for name, each in types.items()}
    best, second = [*sorted(own.values(), reverse=True), -6.0, -6.0][:2]
    return {
        name: {"own": x, "behind": x - best, "ahead": x - second if x == best else 0.0, "first": float(x == best)}
        for name, x in own.items()
    }


def believed(request: Request, found: Found, models: Mapping[str, Weights]) -> Beliefs:
    """The probabilities that the search builds on."""
    conditions = [replace(each, probability=number(models, "condition", e, p=True)) for each, e in found.conditions]
    tallies = [replace(each, probability=number(models, "tally", e, p=True)) for each, e in found.tallies]
    values: dict[tuple[str, str], list[tuple[Any, float]]] = {}
    for key, value, e in found.literals:
        values.setdefault(key, []).append((value, number(models, "literal", e, p=True)))
    plain = Beliefs(
        wants={name: sigmoid(x) for name, x in found.wants.items()},
        types=types_of(found.types, models),
        bind={key: number(models, "bind", each, p=True) for key, each in found.binds.items()},
        literals=values,
        conditions=sorted(conditions, key=lambda each: -each.probability)[:CONDITIONS],
        tallies=sorted(tallies, key=lambda each: -each.probability)[:TALLIES],
        known=frozenset(name for name, each in found.types.items() if each.get("is_known")),
    )
    evidence = want_evidence(request, plain, found.pieces)
    return replace(
        plain, wants={name: number(models, f"wants.{name}", each, p=True) for name, each in evidence.items()}
    )


def want_evidence(request: Request, beliefs: Beliefs, pieces: Mapping[str, float]) -> dict[str, Evidence]:
    """For each thing that a goal may want: its own number, its likeliest part, and what the inputs are."""
    parts = {"filter": max((each.probability for each in beliefs.conditions), default=0.0)}
    for tally in beliefs.tallies:
        parts[tally.function] = max(parts.get(tally.function, 0.0), tally.probability)
    parts["literal"] = max((p for each in beliefs.literals.values() for _, p in each), default=0.0)
    ranked = sorted(beliefs.types.values(), reverse=True)
    lists = sum(given.kind == "array" for given in request.given)
    shared = {
        "selects": logit(beliefs.wants.get("filter", 0.0)),
        "counts": logit(beliefs.wants.get("count", 0.0)),
        "second": logit([*ranked, 0.0, 0.0][1]),
        "best": logit([*ranked, 0.0][0]),
        "no_list": float(lists == 0),
        "lists": float(lists > 1),
    }
    return {
        name: {
            "own": logit(p),
            "part": logit(parts.get(name, parts["filter"])),
            "piece": bounded(pieces.get(name, 0.0)),
            **shared,
        }
        for name, p in beliefs.wants.items()
    }


def behind_best(numbers: Sequence[float]) -> list[float]:
    """How far each is behind the largest."""
    best = max(numbers, default=0.0)
    return [x - best for x in numbers]


def number(models: Mapping[str, Weights], kind: str, evidence: Evidence, *, p: bool = False) -> float:
    """What the evidence comes to by the model of its kind, before any sigmoid; `p`: as a probability."""
    x = weighed(models.get(kind, AS_IT_IS), evidence)
    return sigmoid(x) if p else x


def weighed(weights: Weights, evidence: Mapping[str, float]) -> float:
    return weights.get("", 0.0) + sum(weight * evidence[name] for name, weight in weights.items() if name)


def bounded(number: float) -> float:
    """So that one number does not outweigh all others."""
    return max(-8.0, min(8.0, number))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def logit(p: float, least: float = 2e-3) -> float:
    """Of what is neither less than `least` nor nearer to 1."""
    p = min(max(p, least), 1 - least)
    return math.log(p / (1 - p))
