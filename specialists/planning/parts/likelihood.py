"""Likelihood: logarithms of probabilities, and how much those of each kind count. Knows no plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

FLOOR = 1e-4  #: of a probability whose logarithm counts


@dataclass(frozen=True)
class Weights:
    """How much each of a plan's logarithms counts in the order of plans; fitted on goals held out."""

    types: float = 1.0
    bind: float = 0.6
    parts: float = 1.0
    wants: float = 1.0


WEIGHTS = Weights()


def log_of(p: float) -> float:
    return math.log(max(p, FLOOR))
