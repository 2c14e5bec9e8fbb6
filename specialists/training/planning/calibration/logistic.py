"""Logistic regression over named numbers, for models of a few weights. Knows no planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from specialists.training.newton import balanced_counts, fit

#: A number that hardly varies is taken to vary this much; otherwise the few rows where it does would decide its weight.
LEAST_SPREAD = 0.25


def logistic(
    rows: Sequence[Mapping[str, float]], truth: Sequence[bool], ridge: float, *, scaled: bool, balanced: bool = False
) -> dict[str, float]:
    """Fit a weight for each name; "" is the constant.

    `ridge` pulls weights to 0, since some numbers say nearly the same. `scaled`: the pull is the same as if all numbers
    varied equally. `balanced`: both kinds of rows count the same in total, even if one is rare.
    """
    names = sorted(rows[0])
    x = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)  # (N, names)
    y = np.array(truth, dtype=np.float64)  # (N,)
    middle = x.mean(0) if scaled else np.zeros(len(names))
    spread = np.maximum(x.std(0), LEAST_SPREAD) if scaled else np.ones(len(names))
    weights = fit((x - middle) / spread, y, balanced_counts(y) if balanced else np.ones(len(y)), ridge)
    plain = weights[:-1] / spread
    constant = weights[-1] - plain @ middle
    return {name: round(float(weight), 6) for name, weight in zip((*names, ""), (*plain, constant), strict=True)}
