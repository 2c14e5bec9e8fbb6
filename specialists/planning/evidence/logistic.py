"""Logistic models: each makes one probability from a few numbers that speak for or against a part of a plan.

A scorer sees one text beside the goal. Other numbers add to its score: a field has the parameter's name, a job type
stands out among all, a number stands in the goal. Each kind of part has a logistic model that weighs them; it was
fitted on goals held out. Knows no scorer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Evidence = dict[str, float]
Weights = Mapping[str, float]  #: a weight for each number's name; "" names the constant
AS_IT_IS: Weights = {"own": 1.0}


def number(models: Mapping[str, Weights], kind: str, evidence: Evidence, *, p: bool = False) -> float:
    """Weigh evidence with the model of its kind. The result is before the sigmoid, or with `p` a probability.

    The kinds are type, among, bind, condition, tally, literal, and `wants.NAME` for each thing that a goal may want.
    """
    x = weighed(models.get(kind, AS_IT_IS), evidence)
    return sigmoid(x) if p else x


def weighed(weights: Weights, evidence: Mapping[str, float]) -> float:
    return weights.get("", 0.0) + sum(weight * evidence[name] for name, weight in weights.items() if name)


def behind_best(numbers: Sequence[float]) -> list[float]:
    """The distance of each number from the largest one; it is 0 or negative."""
    best = max(numbers, default=0.0)
    return [x - best for x in numbers]


def bounded(number: float) -> float:
    """Cut the number to -8..8, so that it does not outweigh all others."""
    return max(-8.0, min(8.0, number))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def logit(p: float, least: float = 2e-3) -> float:
    """The logit of `p`, which is first cut to `least`..1 - `least`."""
    p = min(max(p, least), 1 - least)
    return math.log(p / (1 - p))
