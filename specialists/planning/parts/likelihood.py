"""Likelihood: logarithms of probabilities, and how much those of each kind count. Knows no plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

FLOOR = 1e-4  #: the least probability whose logarithm is taken


@dataclass(frozen=True)
class Weights:
    """How much each logarithm of a plan counts when plans are ordered; the weights were fitted on goals held out."""

    types: float = 1.0
    bind: float = 0.6
    parts: float = 1.0
    wants: float = 1.0


WEIGHTS = Weights()


def log_of(p: float) -> float:
    return math.log(max(p, FLOOR))
