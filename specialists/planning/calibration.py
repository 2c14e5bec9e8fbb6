"""From the scorers' numbers to one probability: a logistic model over a few features, fitted on goals held out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from specialists.planning.offered import Request
from specialists.planning.search import Beliefs, Candidate, missing

FEATURES = (
    *("judged", "margin", "search", "impossible", "best_type", "least_type", "least_part", "least_bind"),
    *("lacking", "candidates", "steps"),
)


def features_of(
    request: Request, beliefs: Beliefs, weighed: Sequence[tuple[float, float, Candidate]]
) -> dict[str, float]:
    """Of the first candidate, beside the second. `weighed`: the judge's number, the order's score, the candidate."""
    judged, score, first = weighed[0]
    second = weighed[1][1] if len(weighed) > 1 else score - 8.0
    core = first.core
    used = [beliefs.types.get(a.name, 0.0) for a in core.applications] if core else []
    parts = [condition.probability for _, condition in first.conditions]
    binds = (
        [application.score / max(1, len(application.arguments)) for application in core.applications] if core else []
    )
    likeliest = max(beliefs.types, key=lambda name: beliefs.types[name], default="")
    lacking = bool(likeliest and missing(request, beliefs, likeliest))
    return {
        "judged": max(-8.0, min(8.0, judged)),
        "margin": min(8.0, score - second),
        "search": max(-20.0, first.score),
        "impossible": _logit(beliefs.wants.get("impossible", 0.0)),
        "best_type": _logit(max(beliefs.types.values(), default=0.0)),
        "least_type": _logit(min(used, default=0.5)),
        "least_part": _logit(min(parts, default=0.95)),
        "least_bind": max(-8.0, min(binds, default=-1.0)),
        "lacking": float(lacking),
        "candidates": float(len(weighed)) / 10,
        "steps": float(len(first.steps)),
    }


@dataclass(frozen=True)
class Calibration:
    """Weights of both logistic models, and the thresholds."""

    right: Mapping[str, float] = field(default_factory=lambda: {"judged": 1.0, "": 0.0})
    feasible: Mapping[str, float] = field(default_factory=lambda: {"judged": 0.5, "impossible": -0.5, "": 1.0})
    ask_below: float = 0.0
    refuse_below: float = 0.0
    search_weight: float = 0.5
    evidence: Mapping[str, Any] = field(default_factory=dict)  #: weights of `specialists.planning.evidence`

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Calibration:
        """Of an adapter's metadata; the default where it has none. Raises ValueError."""
        return cls(**json.loads(metadata["calibration"])) if "calibration" in metadata else cls()

    def metadata(self) -> dict[str, str]:
        return {"calibration": json.dumps(asdict(self), sort_keys=True)}

    def confidence(self, features: Mapping[str, float]) -> float:
        """That the first plan is what was asked."""
        return round(_of(self.right, features), 4)

    def possible(self, features: Mapping[str, float]) -> float:
        """That anything on offer does what was asked."""
        return _of(self.feasible, features)


def _of(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    x = weights.get("", 0.0) + sum(weight * features[name] for name, weight in weights.items() if name)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def _logit(p: float) -> float:
    p = min(max(p, 1e-3), 1 - 1e-3)
    return math.log(p / (1 - p))
