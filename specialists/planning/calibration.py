"""From numbers to one probability: what a planner's adapter says of the order of plans, and of when to ask.

All of it is fitted on goals held out, and saved in the adapter's metadata.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from specialists.planning.evidence.logistic import logit, sigmoid, weighed
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.ranking import AS_FOUND, Ranked
from specialists.planning.search.search import missing
from specialists.planning.words.spans import windows

#: Of the first plan, as `ranking` tells them, that say how likely it is right.
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
    """Of the first plan, beside the others."""
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
    """How the plans share the probability that one of them is right."""
    most = max(each.score for each in ranked)
    weights = [math.exp(each.score - most) for each in ranked]
    total = sum(weights)
    return [weight / total for weight in weights]


def _doubt(p: float) -> float:
    """In bits: 1 where it is as likely as not."""
    return 0.0 if p in (0.0, 1.0) else -(p * math.log2(p) + (1 - p) * math.log2(1 - p))


def _agreed(ranked: Sequence[Ranked], share: Sequence[float]) -> float:
    """How likely the first plan's job types are, over all plans with their shares."""
    types = [{step["type"] for step in each.candidate.steps} - FUNCTIONS for each in ranked]
    return logit(sum(p for p, each in zip(share, types, strict=True) if each == types[0]))


def _has_new_types(plan: Ranked, beliefs: Beliefs) -> bool:
    """Whether it has a job type that the layer over whole goals does not know: it came after training."""
    core = plan.candidate.core
    return bool(core and any(each.offer.name not in beliefs.known for each in core.applications))


@dataclass(frozen=True)
class Calibration:
    """Weights of all logistic models, and the thresholds."""

    right: Mapping[str, float] = field(default_factory=lambda: {"margin": 0.5, "": -1.0})
    feasible: Mapping[str, float] = field(default_factory=lambda: {"impossible": -0.5, "": 1.0})
    ask_below: float = 0.0
    ask_below_new: float = 0.0  #: of a plan that has job types which came after training
    refuse_below: float = 0.0
    order: Mapping[str, float] = field(default_factory=lambda: dict(AS_FOUND))  #: of `specialists.planning.ranking`
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  #: of `specialists.planning.evidence`

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Calibration:
        """Of an adapter's metadata; the default where it has none. Raises ValueError for one of another planner."""
        if "calibration" not in metadata:
            return cls()
        told = json.loads(metadata["calibration"])
        if unknown := sorted(told.keys() - {each.name for each in fields(cls)}):
            raise ValueError(f"the calibration is of another planner: it has {unknown[0]!r}")
        found = cls(**told)
        if unknown := sorted({*found.right, *found.feasible} - {*FEATURES, ""}):
            raise ValueError(f"the calibration is of another planner: nothing tells {unknown[0]!r}")
        return found

    def metadata(self) -> dict[str, str]:
        return {"calibration": json.dumps(asdict(self), sort_keys=True)}

    def confidence(self, features: Mapping[str, float]) -> float:
        """That the first plan is what was asked."""
        return round(sigmoid(weighed(self.right, features)), 4)

    def asks(self, confidence: float, features: Mapping[str, float]) -> bool:
        """Whether somebody has to say yes to the first plan."""
        return confidence < (self.ask_below_new if features["new_types"] else self.ask_below)

    def possible(self, features: Mapping[str, float]) -> float:
        """That anything on offer does what was asked."""
        return sigmoid(weighed(self.feasible, features))
