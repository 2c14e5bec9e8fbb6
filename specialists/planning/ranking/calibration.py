"""A calibration: from numbers to one probability, and when a planner asks. Knows no goal and no plan.

All of it is fitted on goals held out, and saved in the adapter's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from specialists.planning.evidence.logistic import sigmoid, weighed
from specialists.planning.ranking.first_plan import FEATURES
from specialists.planning.ranking.ranking import AS_FOUND


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
