"""Evidence: the weights of `specialists.planning.evidence`, fitted on goals held out. Knows no model and no text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from specialists.planning.evidence import type_evidence, want_evidence
from specialists.planning.normal import normal
from specialists.planning.search import Beliefs
from specialists.planning.texts import WANTS
from specialists.planning.wants import wants_of
from specialists.training.planning.logistic import logistic
from specialists.training.planning.sets import Asked

#: Pulls weights to 0: of job types, and of what goals want, of which there are fewer rows.
TYPES_RIDGE, WANTS_RIDGE = 1.0, 3.0
#: What fewer goals want, or all but so few, keeps its own number.
LEAST_WANTED = 4
AS_IT_IS = {"own": 1.0, "": 0.0}


class Believed(NamedTuple):
    """A goal, and what the heads alone say of it."""

    asked: Asked
    beliefs: Beliefs

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Of the first plan that is right."""
        return self.asked.plans[0]


def fit_evidence(believed: Sequence[Believed]) -> dict[str, Any]:
    """Weights for job types, and for each thing that a goal may want."""
    possible = [each for each in believed if each.asked.is_possible]
    wants: dict[str, dict[str, float]] = {}
    found = [(each, want_evidence(each.asked.request, each.beliefs), _wanted(each)) for each in believed]
    for name in WANTS:
        # Of what cannot be done nobody wrote how; it only says that it cannot.
        kept = [(e[name], w[name]) for each, e, w in found if name == "impossible" or each.asked.is_possible]
        rows, truth = [evidence for evidence, _ in kept], [is_wanted for _, is_wanted in kept]
        is_known = LEAST_WANTED <= sum(truth) <= len(truth) - LEAST_WANTED
        wants[name] = logistic(rows, truth, WANTS_RIDGE, scaled=False) if is_known else dict(AS_IT_IS)
    return {**_types(possible), "wants": wants}


def _types(possible: Sequence[Believed]) -> dict[str, Any]:
    rows, truth = [], []
    for each in possible:
        used = normal(each.steps, each.asked.request).types
        for name, evidence in type_evidence(each.beliefs).items():
            rows.append(evidence)
            truth.append(name in used)
    return {"types": logistic(rows, truth, TYPES_RIDGE, scaled=False)} if len(set(truth)) == 2 else {}


def _wanted(each: Believed) -> dict[str, bool]:
    if not each.asked.is_possible:
        return dict.fromkeys(WANTS, False) | {"impossible": True}
    return wants_of(normal(each.steps, each.asked.request), each.steps)
