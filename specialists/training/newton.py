"""Logistic regression over a few numbers, by Newton's method. Knows neither what they say nor of whom.

Of the others, `linear/regression.py` fits millions of weights and one of many answers, the planner's layer over goals
counts each answer of a row apart, and a confidence is fitted where there is no numpy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 30


def fit(x: Floats, y: Floats, counts: Floats, ridge: float) -> Floats:
    """x  # (N, K); y, counts  # (N,); returns (K + 1,), the last one the constant. `ridge` pulls weights to 0."""
    x = np.column_stack([x, np.ones(len(x))])
    pull = np.diag([ridge] * (x.shape[1] - 1) + [1e-6])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (counts * (p - y)) + pull @ weights
        bend = (x * (counts * p * (1 - p))[:, None]).T @ x + pull
        weights = weights - np.linalg.solve(bend, slope)
    return weights


def balanced_counts(y: Floats) -> Floats:
    """How much each row counts, so that both kinds of rows count the same in total."""
    share = float(y.mean())
    return y * (0.5 / share) + (1 - y) * (0.5 / (1 - share))
