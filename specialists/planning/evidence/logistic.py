"""Logistic models: a few numbers that speak for or against a part of a plan, and the one probability they come to.

A scorer sees one text beside the goal. That a field has the parameter's name, that a job type stands out among all,
that a number stands in the goal: each says something more. A logistic model for each kind of part, fitted on goals held
out, weighs them. Knows no scorer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Evidence = dict[str, float]
Weights = Mapping[str, float]  #: by the name of a number; "" is the constant
AS_IT_IS: Weights = {"own": 1.0}


def number(models: Mapping[str, Weights], kind: str, evidence: Evidence, *, p: bool = False) -> float:
    """What the evidence comes to by the model of its kind, before any sigmoid; `p`: as a probability.

    The kinds are type, among, bind, condition, tally, literal, and `wants.NAME` for each thing that a goal may want."""
    x = weighed(models.get(kind, AS_IT_IS), evidence)
    return sigmoid(x) if p else x


def weighed(weights: Weights, evidence: Mapping[str, float]) -> float:
    return weights.get("", 0.0) + sum(weight * evidence[name] for name, weight in weights.items() if name)


def behind_best(numbers: Sequence[float]) -> list[float]:
    """How far each is behind the largest."""
    best = max(numbers, default=0.0)
    return [x - best for x in numbers]


def bounded(number: float) -> float:
    """So that one number does not outweigh all others."""
    return max(-8.0, min(8.0, number))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def logit(p: float, least: float = 2e-3) -> float:
    """Of what is neither less than `least` nor nearer to 1."""
    p = min(max(p, least), 1 - least)
    return math.log(p / (1 - p))
