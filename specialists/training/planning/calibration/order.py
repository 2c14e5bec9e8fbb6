"""The order of plans: fits the weights of `specialists.planning.ranking`, for right plans first. Knows no text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from specialists.planning.ranking.ranking import AS_FOUND

#: This strength pulls the weights, of numbers scaled to vary equally, to their first values.
RIDGE = 0.02
STEPS = 200  #: at most, by L-BFGS
LEAST_SPREAD = 0.1


class Searched(NamedTuple):
    """The plans for one goal: the features of each, and whether it is right."""

    features: Sequence[Mapping[str, float]]
    right: Sequence[bool]


def fit_order(searched: Sequence[Searched]) -> dict[str, float]:
    """Maximise the probability of right plans among those found, over goals that have both right and wrong ones."""
    kept = [each for each in searched if 0 < sum(each.right) < len(each.right)]
    if not kept:
        return dict(AS_FOUND)
    names = sorted(kept[0].features[0])
    tables = [torch.tensor([[f[name] for name in names] for f in each.features]) for each in kept]  # (plans, K) each
    right = [torch.tensor(each.right) for each in kept]
    spread = torch.cat(tables).std(0).clamp(min=LEAST_SPREAD)
    begun = torch.tensor([AS_FOUND.get(name, 0.0) for name in names]) * spread
    weights = begun.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = [table @ (weights / spread) for table in tables]
        lost = [torch.logsumexp(x, 0) - torch.logsumexp(x[y], 0) for x, y in zip(scores, right, strict=True)]
        found = torch.stack(lost).mean() + RIDGE / 2 * ((weights - begun) ** 2).sum()
        found.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return {name: round(float(x), 6) for name, x in zip(names, (weights.detach() / spread), strict=True)}
