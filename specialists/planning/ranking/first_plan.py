"""The first plan: numbers that say how likely it is what the goal asks, beside the other plans. Knows no weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

from specialists.planning.evidence.logistic import logit
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.ranking.ranking import Ranked
from specialists.planning.search.search import missing
from specialists.planning.words.spans import windows

#: Features of the first plan, as `ranking` computes them, that say how likely it is right.
_OF_THE_PLAN = (
    *("inputs", "figures", "counted", "dates", "quoted", "passages", "literals", "applications", "helpers"),
    *("least_type", "left_type", "least_condition", "least_tally", "steps", "types", "bind", "wants", "parts"),
    *("least_want", "left_want", "not_negated", "negated", "owners_agree", "owners_differ"),
)
FEATURES = (
    *_OF_THE_PLAN,
    *("margin", "share", "score", "impossible", "best_type", "least_bind", "lacking", "candidates"),
    *("words", "clauses", "doubt", "types_doubt", "inputs_given", "offers", "agreed", "new_types"),
)


def features_of(request: Request, beliefs: Beliefs, ranked: Sequence[Ranked]) -> dict[str, float]:
    """Features of the first plan, compared with the other plans."""
    first = ranked[0]
    second = ranked[1].score if len(ranked) > 1 else first.score - 8.0
    share = shares(ranked)
    core = first.candidate.core
    binds = [each.score / max(1, len(each.arguments)) for each in core.applications] if core else []
    likeliest = max(beliefs.types, key=lambda name: beliefs.types[name], default="")
    return {
        **{name: first.features[name] for name in _OF_THE_PLAN},
        "margin": min(8.0, first.score - second),
        "share": logit(share[0]),
        "score": max(-20.0, first.score),
        "impossible": logit(beliefs.wants.get("impossible", 0.0)),
        "best_type": logit(max(beliefs.types.values(), default=0.0)),
        "least_bind": max(-8.0, min(binds, default=-1.0)),
        "lacking": float(bool(likeliest and missing(request, beliefs, likeliest))),
        "candidates": float(len(ranked)) / 10,
        "words": math.log1p(len(request.goal.split())),
        "clauses": math.log1p(len(windows(request.goal))),
        "doubt": sum(map(_doubt, beliefs.wants.values())),
        "types_doubt": sum(map(_doubt, beliefs.types.values())),
        "inputs_given": float(len(request.given)),
        "offers": math.log1p(len(request.chosen_from)),
        "agreed": _agreed(ranked, share),
        "new_types": float(_has_new_types(first, beliefs)),
    }


def shares(ranked: Sequence[Ranked]) -> list[float]:
    """Divide the probability that one of the plans is right among the plans."""
    most = max(each.score for each in ranked)
    weights = [math.exp(each.score - most) for each in ranked]
    total = sum(weights)
    return [weight / total for weight in weights]


def _doubt(p: float) -> float:
    """The doubt in bits; it is 1 if `p` is one half."""
    return 0.0 if p in (0.0, 1.0) else -(p * math.log2(p) + (1 - p) * math.log2(1 - p))


def _agreed(ranked: Sequence[Ranked], share: Sequence[float]) -> float:
    """How likely the first plan's job types are over all plans, weighed by their shares, as a logit."""
    types = [{step["type"] for step in each.candidate.steps} - FUNCTIONS for each in ranked]
    return logit(sum(p for p, each in zip(share, types, strict=True) if each == types[0]))


def _has_new_types(plan: Ranked, beliefs: Beliefs) -> bool:
    """Whether the plan has a job type that the layer over whole goals does not know because it came after training."""
    core = plan.candidate.core
    return bool(core and any(each.offer.name not in beliefs.known for each in core.applications))
