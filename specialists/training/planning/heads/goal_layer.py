"""The linear layer over whole goals, fitted on all goals at once: their wants, and the job types that ship.

It knows no search. An ask for a job type says which one is meant, and nothing about other wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch.nn import functional as F

from specialists.heads.goal import SHAPE, GoalHead, features
from specialists.heads.matcher import Kept
from specialists.planning.normal.normal import normal
from specialists.planning.normal.wants import wants_of
from specialists.planning.offers.offer import read_offer
from specialists.planning.reading.shape import shape_of
from specialists.planning.words.texts import WANTS, known
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import SHIPPED_DOMAIN, Writing

#: This strength pulls weights to 0; the loss is a sum over goals.
RIDGE = 0.5
STEPS = 120  #: at most, by L-BFGS
#: A want that fewer goals have is taken as never wanted; its score is `NEVER`.
LEAST_WANTED, NEVER = 3, -6.0
#: The weights of rows for the job types that ship: a goal over other job types, an ask, and an ask for a made-up type.
ELSEWHERE, ASKED, ASKED_ELSEWHERE = 0.5, 0.5, 0.3
#: How many asks of each made-up job type are used; they show what the job types that ship are not for.
ASKS = 8


class Row(NamedTuple):
    goal: str
    words: str  #: the goal and its inputs
    shape: Sequence[float]
    truth: Sequence[bool]  #: one value for each name
    counts: Sequence[float]  #: the weight of the row for each name


def fit_goal_layer(writing: Writing, offers: Offers, base: Kept) -> GoalHead:
    """Fit logistic regressions, one for each name. `writing`: the part that may be learnt."""
    names = [*WANTS, *(known(read_offer(offer)) for offer in offers.models)]
    rows = list(_rows(writing, offers))
    goals, words = base.means([row.goal for row in rows]), base.means([row.words for row in rows])
    told = zip(rows, goals, words, strict=True)
    x = torch.stack([features(row.goal, goal, said, row.shape) for row, goal, said in told])  # (N, features)
    y = torch.tensor([row.truth for row in rows], dtype=torch.float)  # (N, names)
    counts = torch.tensor([row.counts for row in rows])
    weight = torch.zeros(len(names), x.shape[1], requires_grad=True)
    bias = torch.zeros(len(names), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found = F.binary_cross_entropy_with_logits(x @ weight.T + bias, y, weight=counts, reduction="sum")
        found = found + RIDGE / 2 * (weight**2).sum()
        found.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    rare = (y * (counts > 0)).sum(0) < LEAST_WANTED
    with torch.no_grad():
        weight[rare], bias[rare] = 0.0, NEVER
    return GoalHead(names, weight.detach(), bias.detach())


def _rows(writing: Writing, offers: Offers) -> Iterator[Row]:
    models = [offer["name"] for offer in offers.models]
    nothing = [0.0] * len(WANTS)
    for goal in writing.goals:
        request = offers.request(goal, offers.plain(goal))
        plan = normal(goal.steps, request) if goal.steps else None
        wants = wants_of(plan, goal.steps) if plan and goal.steps else {"impossible": True}
        is_shipped = goal.domain == SHIPPED_DOMAIN
        used = plan.types if plan and is_shipped else set()
        truth = [*(wants.get(name, False) for name in WANTS), *(name in used for name in models)]
        counts = [1.0] * len(WANTS) + [1.0 if is_shipped and plan else ELSEWHERE] * len(models)
        yield Row(request.goal, request.words, shape_of(request), truth, counts)
    for row in writing.asks:
        for ask in row.asks:
            truth = [False] * len(WANTS) + [name == row.type for name in models]
            yield Row(ask, ask, [0.0] * SHAPE, truth, [*nothing, *[ASKED] * len(models)])
    for each in writing.types:
        for ask in each.asks[:ASKS]:
            falsehood = [False] * (len(WANTS) + len(models))
            yield Row(ask, ask, [0.0] * SHAPE, falsehood, [*nothing, *[ASKED_ELSEWHERE] * len(models)])
