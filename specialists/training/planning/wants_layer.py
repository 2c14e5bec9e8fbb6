"""The linear layer that reads off what a goal wants, fitted on all goals at once. Knows no plan and no search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional as F

from specialists.heads.encoder import Embedder
from specialists.heads.wants import WantsHead, features
from specialists.planning.normal import normal
from specialists.planning.planner import shape_of
from specialists.planning.texts import WANTS
from specialists.planning.wants import wants_of
from specialists.training.planning.offers import Offers
from specialists.training.planning.writing import WrittenGoal

#: Pulls weights to 0. Of a sum over goals.
RIDGE = 0.25
STEPS = 150  #: of L-BFGS, at most
#: What fewer goals want is never wanted: its number is this.
LEAST_WANTED, NEVER = 3, -6.0


class Wanting(NamedTuple):
    """A goal, what its inputs are like, and what it wants, as `WANTS`."""

    goal: str
    shape: list[float]
    wants: list[bool]


def wanting(goal: WrittenGoal, offers: Offers) -> Wanting:
    request = offers.request(goal, offers.plain(goal))
    wanted = wants_of(normal(goal.steps, request), goal.steps) if goal.steps else {"impossible": True}
    return Wanting(request.goal, shape_of(request), [wanted.get(name, False) for name in WANTS])


def fit_wants(rows: Sequence[Wanting], embedder: Embedder) -> WantsHead:
    """Logistic regressions, one for each of `WANTS`."""
    vectors = embedder.embed([row.goal for row in rows])
    x = torch.stack([features(row.goal, v, row.shape) for row, v in zip(rows, vectors, strict=True)])  # (N, features)
    y = torch.tensor([row.wants for row in rows], dtype=torch.float)  # (N, wants)
    weight = torch.zeros(len(WANTS), x.shape[1], requires_grad=True)
    bias = torch.zeros(len(WANTS), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found = F.binary_cross_entropy_with_logits(x @ weight.T + bias, y, reduction="sum")
        found = found + RIDGE / 2 * (weight**2).sum()
        found.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    rare = y.sum(0) < LEAST_WANTED
    with torch.no_grad():
        weight[rare], bias[rare] = 0.0, NEVER
    return WantsHead(weight.detach(), bias.detach())
