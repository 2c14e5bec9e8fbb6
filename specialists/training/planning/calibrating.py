"""Calibrating: from goals as the planner weighed them to when it plans, asks or refuses. Knows no model and no text.

First beliefs are put right by what else is believed. Then two logistic models over `calibration.FEATURES` say that the
first plan is right, and that anything on offer does what is asked. Thresholds are chosen on probabilities of goals that
the models behind them were not fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from specialists.planning.calibration import FEATURES, Calibration, features_of
from specialists.planning.planner import Planner
from specialists.training.planning.evidence import Believed, fit_evidence
from specialists.training.planning.logistic import logistic
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


class Said(NamedTuple):
    """What would be said of a goal's first plan."""

    confidence: float
    possible: float
    is_right: bool
    is_possible: bool


def calibrate(
    planner: Callable[[Calibration], Planner], asked: Sequence[Asked], silently_wrong: float = SILENTLY_WRONG
) -> Calibration:
    """`planner`: the planner under a calibration. Raises CalibratingError."""
    raw = planner(Calibration())
    evidence: dict[str, Any] = fit_evidence([Believed(each, raw.beliefs(each.request)) for each in asked])
    judged = judged_by(planner(Calibration(evidence=evidence)), asked)
    fitted = fitted_on(judged)
    refuse_below, ask_below = thresholds(cross_said(judged), silently_wrong)
    return replace(fitted, evidence=evidence, refuse_below=refuse_below, ask_below=ask_below)


def judged_by(planner: Planner, asked: Iterable[Asked]) -> list[Judged]:
    """The goals that the planner finds any plan for, weighed as it weighs them when it serves."""
    found = []
    for each in asked:
        beliefs, weighed = planner.weigh(each.request)
        if weighed:
            features = features_of(each.request, beliefs, [(w.judged, w.score, w.candidate) for w in weighed])
            found.append(Judged(features, each.is_right(weighed[0].candidate.steps), each.is_possible))
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
            found.append(Said(*said, each.is_right, each.is_possible))
    return found


def thresholds(said: Sequence[Said], silently_wrong: float) -> tuple[float, float]:
    """(refuse below, ask below): most goals answered right, less those refused that can be done.

    Under the condition that plans which are wrong are at most `silently_wrong` of all goals.
    """
    best: tuple[float, tuple[float, float]] | None = None
    for refuse_below in _steps(sorted(each.possible for each in said)):
        kept = [each for each in said if each.possible >= refuse_below]
        refused = [each for each in said if each.possible < refuse_below]
        ask_below, right = _ask_below(kept, silently_wrong * len(said))
        gain = right + sum(-1 if each.is_possible else 1 for each in refused)
        if best is None or gain > best[0]:
            best = gain, (refuse_below, ask_below)
    assert best is not None
    return best[1]


def _steps(values: Sequence[float]) -> list[float]:
    """0, and thresholds that part the sorted values into twentieths, up to the middle."""
    return [0.0, *(round(values[len(values) * n // 20], 4) for n in range(1, 11))]


def _ask_below(kept: Sequence[Said], most_wrong: float) -> tuple[float, int]:
    """The lowest threshold under which no more plans are wrong, and how many are right then."""
    wrong = right = 0
    threshold, found = 1.0, 0
    ranked = sorted(kept, key=lambda each: -each.confidence)
    for number, each in enumerate(ranked):
        wrong, right = wrong + (not each.is_right), right + each.is_right
        if wrong > most_wrong:
            break
        if number + 1 == len(ranked) or ranked[number + 1].confidence < each.confidence:
            threshold, found = each.confidence, right
    else:
        return 0.0, right
    return threshold, found
