"""A calibration: turns numbers into one probability, and decides when a planner asks. Knows no goal and no plan.

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
    """The weights of all logistic models, and the thresholds."""

    right: Mapping[str, float] = field(default_factory=lambda: {"margin": 0.5, "": -1.0})
    feasible: Mapping[str, float] = field(default_factory=lambda: {"impossible": -0.5, "": 1.0})
    ask_below: float = 0.0
    ask_below_new: float = 0.0  #: the threshold for a plan with job types that came after training
    refuse_below: float = 0.0
    #: The weights of `specialists.planning.ranking`.
    order: Mapping[str, float] = field(default_factory=lambda: dict(AS_FOUND))
    #: The models of `specialists.planning.evidence`.
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Calibration:
        """Read the calibration from an adapter's metadata, or return the default if there is none.

        It raises ValueError if the calibration belongs to another planner.
        """
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
        """How likely the first plan is what was asked."""
        return round(sigmoid(weighed(self.right, features)), 4)

    def asks(self, confidence: float, features: Mapping[str, float]) -> bool:
        """Whether somebody has to confirm the first plan."""
        return confidence < (self.ask_below_new if features["new_types"] else self.ask_below)

    def possible(self, features: Mapping[str, float]) -> float:
        """How likely the job types on offer can do what was asked."""
        return sigmoid(weighed(self.feasible, features))
