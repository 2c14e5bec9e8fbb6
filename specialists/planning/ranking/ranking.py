"""Ranking: orders the plans that the search found, by how each answers the whole goal.

The search adds up what is believed of a plan's parts. Here the plan is looked at as a whole: whether it leaves out an
input, a number or a quotation of the goal, and how large it is. The weights are fitted on goals held out. Knows no
scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.parts.candidate import Candidate
from specialists.planning.ranking.features import Features, Goal

#: The order without fitted weights: the score of the search.
AS_FOUND: Mapping[str, float] = {"search": 1.0}


class Ranked(NamedTuple):
    candidate: Candidate
    features: Features
    score: float


def ranked(
    request: Request, beliefs: Beliefs, candidates: Sequence[Candidate], weights: Mapping[str, float]
) -> list[Ranked]:
    """Return the plans, the likeliest first."""
    goal = Goal(request)
    best = max((each.score for each in candidates), default=0.0)
    found = []
    for each in candidates:
        features = goal.features(each, beliefs, best)
        score = sum(weight * features[name] for name, weight in weights.items())
        found.append(Ranked(each, features, score))
    return sorted(found, key=lambda each: -each.score)
