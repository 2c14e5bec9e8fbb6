"""The calibration: decides when the planner plans, asks or refuses, by goals that it weighed. Knows no model, no text.

First the beliefs about parts are corrected by each other. Then two logistic models over `FEATURES` say how likely the
first plan is right, and how likely the offers can do what is asked. Thresholds are chosen on probabilities of goals
that the models behind them were not fitted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.planner import Planner
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.first_plan import FEATURES, features_of
from specialists.planning.ranking.ranking import Ranked, ranked
from specialists.planning.reading.reader import Reader
from specialists.planning.reading.reading import Reading
from specialists.training.planning.calibration.evidence import fit_evidence, known
from specialists.training.planning.calibration.logistic import logistic
from specialists.training.planning.calibration.order import Searched, fit_order
from specialists.training.planning.sets.sets import Asked

#: The share of all goals that a wrong plan may answer: over job types that are known, and over new ones.
SILENTLY_WRONG, SILENTLY_WRONG_NEW = 0.05, 0.08
FOLDS = 5
#: This strength pulls weights to 0.
RIDGE = 10.0
#: With fewer goals, or none of one kind, nothing can be fitted.
LEAST_GOALS = 20


class CalibratingError(ValueError):
    """There are too few goals to calibrate on, or all are of one kind."""


class Judged(NamedTuple):
    """The features of a goal's first plan, and the truth about both."""

    features: Mapping[str, float]
    is_right: bool
    is_possible: bool


class Said(NamedTuple):
    """The two probabilities for a goal's first plan, and the truth."""

    confidence: float
    possible: float
    is_right: bool
    is_possible: bool
    is_new: bool = False  #: the plan has job types that came after training


def calibrate(reader: Reader, *sets: Sequence[Asked]) -> Calibration:
    """Fit everything except the encoder: the weights of evidence, the order of plans, and when to ask.

    It raises CalibratingError.
    """
    reading = Reading(reader)
    goals = known(reading, [each for asked in sets for each in asked])
    evidence, goals = fit_evidence(reading, goals)
    planner = Planner(reader, Calibration(evidence=evidence))
    weighed = [Weighed(each.asked, each.request, *planner.weigh(each.request)) for each in goals]
    order = fit_order([Searched([plan.features for plan in each.plans], each.right) for each in weighed])
    judged = judged_by(order, weighed)
    fitted = fitted_on(judged)
    refuse_below, ask_below, ask_below_new = thresholds(cross_said(judged), SILENTLY_WRONG, SILENTLY_WRONG_NEW)
    weights = replace(fitted, evidence=evidence, order=order)
    return replace(weights, refuse_below=refuse_below, ask_below=ask_below, ask_below_new=ask_below_new)


@dataclass
class Weighed:
    """A goal, its beliefs, and the plans that were found for it."""

    asked: Asked
    request: Request
    beliefs: Beliefs
    plans: Sequence[Ranked]

    @cached_property
    def right(self) -> list[bool]:
        return [self.asked.is_right(plan.candidate.steps) for plan in self.plans]


def judged_by(order: Mapping[str, float], weighed: Iterable[Weighed]) -> list[Judged]:
    """Judge the goals that have any plan, with plans ordered as they are when the planner serves."""
    found = []
    for each in weighed:
        if each.plans:
            plans = ranked(each.request, each.beliefs, [plan.candidate for plan in each.plans], order)
            features = features_of(each.request, each.beliefs, plans)
            is_right = each.asked.is_right(plans[0].candidate.steps)
            found.append(Judged(features, is_right, each.asked.is_possible))
    return found


def fitted_on(judged: Sequence[Judged]) -> Calibration:
    """Fit both models, without thresholds. It raises CalibratingError."""
    right, possible = [each.is_right for each in judged], [each.is_possible for each in judged]
    if len(judged) < LEAST_GOALS or len(set(right)) < 2 or len(set(possible)) < 2:
        raise CalibratingError(
            f"{len(judged)} goals, {sum(right)} of them planned right and {sum(possible)} possible, are too few "
            f"or too much alike to calibrate on: at least {LEAST_GOALS} are needed, and some of each kind"
        )
    rows = [{name: each.features[name] for name in FEATURES} for each in judged]
    return Calibration(
        right=logistic(rows, right, RIDGE, scaled=True),
        feasible=logistic(rows, possible, RIDGE, scaled=True, balanced=True),
    )


def cross_said(judged: Sequence[Judged]) -> list[Said]:
    """Give each goal the probabilities of models that were fitted without the goal's own fold."""
    found = []
    for fold in range(FOLDS):
        models = fitted_on([each for number, each in enumerate(judged) if number % FOLDS != fold])
        for each in judged[fold::FOLDS]:
            said = models.confidence(each.features), models.possible(each.features)
            found.append(Said(*said, each.is_right, each.is_possible, bool(each.features["new_types"])))
    return found


def thresholds(said: Sequence[Said], wrong: float, wrong_new: float) -> tuple[float, float, float]:
    """Choose (refuse below, ask below, ask below over new job types): many right answers, few possible goals refused.

    The condition is that wrong plans are at most the share `wrong` of the goals over known job types, and `wrong_new`
    of those over new ones. The two have thresholds of their own, because confidence differs between them.
    """
    most = {
        is_new: share * sum(each.is_new is is_new for each in said)
        for is_new, share in ((False, wrong), (True, wrong_new))
    }
    best: tuple[float, tuple[float, float, float]] | None = None
    for refuse_below in _steps(sorted(each.possible for each in said)):
        kept = [each for each in said if each.possible >= refuse_below]
        refused = [each for each in said if each.possible < refuse_below]
        ask_below = {is_new: _ask_below([e for e in kept if e.is_new is is_new], n) for is_new, n in most.items()}
        right = sum(each.is_right for each in kept if each.confidence >= ask_below[each.is_new])
        gain = right + sum(-1 if each.is_possible else 1 for each in refused)
        if best is None or gain > best[0]:
            best = gain, (refuse_below, ask_below[False], ask_below[True])
    assert best is not None
    return best[1]


def _steps(values: Sequence[float]) -> list[float]:
    """0, and thresholds that divide the sorted values into twentieths, up to the middle."""
    return [0.0, *(round(values[len(values) * n // 20], 4) for n in range(1, 11))]


def _ask_below(kept: Sequence[Said], most_wrong: float) -> float:
    """The lowest threshold that lets at most `most_wrong` wrong plans through."""
    wrong, threshold = 0, 1.0
    ranked = sorted(kept, key=lambda each: -each.confidence)
    for number, each in enumerate(ranked):
        wrong += not each.is_right
        if wrong > most_wrong:
            return threshold
        if number + 1 == len(ranked) or ranked[number + 1].confidence < each.confidence:
            threshold = each.confidence
    return 0.0
