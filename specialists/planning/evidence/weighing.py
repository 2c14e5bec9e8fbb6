"""Weighing: turns evidence into beliefs about each part of a plan. Knows no scorer and no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Evidence, Weights, bounded, logit, number, sigmoid
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs

CONDITIONS, TALLIES = 24, 30  #: how many of each the search takes up, the likeliest first


def types_of(types: Mapping[str, Evidence], models: Mapping[str, Weights]) -> dict[str, float]:
    """How likely the goal needs each job type: first scored by itself, then compared with the others."""
    return {name: number(models, "among", each, p=True) for name, each in among(types, models).items()}


def among(types: Mapping[str, Evidence], models: Mapping[str, Weights]) -> dict[str, Evidence]:
    """Evidence of how each job type's own score compares with the scores of the others."""
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
    """Evidence for each thing that a goal may want: its own score, its likeliest part, and the form of the inputs."""
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
