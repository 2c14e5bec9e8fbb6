"""Calibrating: from goals as the planner weighed them to when it plans, asks or refuses. Knows no model and no text.

First beliefs are put right by what else is believed. Then two logistic models over `calibration.FEATURES` say that the
first plan is right, and that anything on offer does what is asked. Thresholds are chosen on probabilities of goals that
the models behind them were not fitted on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from specialists.planning.calibration import FEATURES, Calibration, features_of
from specialists.planning.offered import Request
from specialists.planning.planner import Planner
from specialists.planning.ranking import Ranked, ranked
from specialists.planning.reading import Reader, Reading
from specialists.planning.search import Beliefs
from specialists.training.planning.evidence import fit_evidence, known
from specialists.training.planning.logistic import logistic
from specialists.training.planning.ordering import Searched, fit_order
from specialists.training.planning.sets import Asked

#: Share of all goals that may be answered by a plan that is wrong.
SILENTLY_WRONG = 0.05
FOLDS = 5
#: Pulls weights to 0.
RIDGE = 10.0
#: Fewer goals, or none of one kind, fit nothing.
LEAST_GOALS = 20


class CalibratingError(ValueError):
    """There are too few goals to calibrate on, or all are of one kind."""


class Judged(NamedTuple):
    """What is known of a goal and its first plan."""

    features: Mapping[str, float]
    is_right: bool
    is_possible: bool
    group: int = 0  #: the set that the goal is of


class Said(NamedTuple):
    """What would be said of a goal's first plan."""

    confidence: float
    possible: float
    is_right: bool
    is_possible: bool
    group: int = 0


def calibrate(reader: Reader, *sets: Sequence[Asked], silently_wrong: float = SILENTLY_WRONG) -> Calibration:
    """Everything but the encoder: what counts for a part, which plan is first, when to ask. Raises CalibratingError.

    In none of the sets may more goals be answered by a wrong plan: confidence on one is not that on another."""
    reading = Reading(reader)
    groups = {id(each): number for number, asked in enumerate(sets) for each in asked}
    goals = known(reading, [each for asked in sets for each in asked])
    evidence, goals = fit_evidence(reading, goals)
    planner = Planner(reader, Calibration(evidence=evidence))
    weighed = [
        Weighed(each.asked, each.request, groups[id(each.asked)], *planner.weigh(each.request)) for each in goals
    ]
    order = fit_order([Searched([plan.features for plan in each.plans], each.right) for each in weighed])
    judged = judged_by(order, weighed)
    fitted = fitted_on(judged)
    refuse_below, ask_below = thresholds(cross_said(judged), silently_wrong)
    return replace(fitted, evidence=evidence, order=order, refuse_below=refuse_below, ask_below=ask_below)


@dataclass
class Weighed:
    """A goal, and the plans that were found for it."""

    asked: Asked
    request: Request
    group: int
    beliefs: Beliefs
    plans: Sequence[Ranked]

    @cached_property
    def right(self) -> list[bool]:
        return [self.asked.is_right(plan.candidate.steps) for plan in self.plans]


def judged_by(order: Mapping[str, float], weighed: Iterable[Weighed]) -> list[Judged]:
    """The goals that any plan was found for, weighed as they are weighed when the planner serves."""
    found = []
    for each in weighed:
        if each.plans:
            plans = ranked(each.request, each.beliefs, [plan.candidate for plan in each.plans], order)
            features = features_of(each.request, each.beliefs, plans)
            is_right = each.asked.is_right(plans[0].candidate.steps)
            found.append(Judged(features, is_right, each.asked.is_possible, each.group))
    return found


def fitted_on(judged: Sequence[Judged]) -> Calibration:
    """Both models, without thresholds. Raises CalibratingError."""
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
    """What would be said of each by models that were fitted without it and its fold."""
    found = []
    for fold in range(FOLDS):
        models = fitted_on([each for number, each in enumerate(judged) if number % FOLDS != fold])
        for each in judged[fold::FOLDS]:
            said = models.confidence(each.features), models.possible(each.features)
            found.append(Said(*said, each.is_right, each.is_possible, each.group))
    return found


def thresholds(said: Sequence[Said], silently_wrong: float) -> tuple[float, float]:
    """(refuse below, ask below): most goals answered right, less those refused that can be done.

    Under the condition that plans which are wrong are at most `silently_wrong` of the goals of each group.
    """
    sizes = Counter(each.group for each in said)
    best: tuple[float, tuple[float, float]] | None = None
    for refuse_below in _steps(sorted(each.possible for each in said)):
        kept = [each for each in said if each.possible >= refuse_below]
        refused = [each for each in said if each.possible < refuse_below]
        by_group = {group: [each for each in kept if each.group == group] for group in sizes}
        ask_below = max(_ask_below(each, silently_wrong * sizes[group]) for group, each in by_group.items())
        right = sum(each.is_right for each in kept if each.confidence >= ask_below)
        gain = right + sum(-1 if each.is_possible else 1 for each in refused)
        if best is None or gain > best[0]:
            best = gain, (refuse_below, ask_below)
    assert best is not None
    return best[1]


def _steps(values: Sequence[float]) -> list[float]:
    """0, and thresholds that part the sorted values into twentieths, up to the middle."""
    return [0.0, *(round(values[len(values) * n // 20], 4) for n in range(1, 11))]


def _ask_below(kept: Sequence[Said], most_wrong: float) -> float:
    """The lowest threshold under which no more plans are wrong."""
    wrong, threshold = 0, 1.0
    ranked = sorted(kept, key=lambda each: -each.confidence)
    for number, each in enumerate(ranked):
        wrong += not each.is_right
        if wrong > most_wrong:
            return threshold
        if number + 1 == len(ranked) or ranked[number + 1].confidence < each.confidence:
            threshold = each.confidence
    return 0.0
