"""Calibrating the planner on goals that are held out: what counts for a part, which plan is first, when it asks."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.planning.reader import OverlapReader
from specialists.planning.planner import Planner
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.first_plan import FEATURES
from specialists.planning.ranking.ranking import AS_FOUND
from specialists.training.planning.calibration.calibration import (
    CalibratingError,
    Judged,
    Said,
    calibrate,
    cross_said,
    fitted_on,
    thresholds,
)
from specialists.training.planning.calibration.order import Searched, fit_order
from specialists.training.planning.sets.outcomes import Outcome, measure
from specialists.training.planning.sets.sets import load_set


def judged(count: int, seed: int = 1) -> list[Judged]:
    """Goals whose first plan is right the oftener the more it is ahead; impossible ones are known by their want."""
    draw, found = Random(seed), []
    for _ in range(count):
        is_possible = draw.random() < 0.8
        margin = draw.gauss(1.0 if is_possible else -2.0, 2.0)
        features = dict.fromkeys(FEATURES, 0.0) | {"margin": margin, "impossible": -3.0 if is_possible else 1.0}
        features |= {"score": draw.gauss(-5, 2), "impossible": features["impossible"] + draw.gauss(0, 1.5)}
        found.append(Judged(features, is_possible and draw.gauss(0, 1) < margin, is_possible))
    return found


def test_a_fitted_model_says_how_often_plans_are_right() -> None:
    fitted = fitted_on(judged(800))
    unseen = judged(800, seed=2)
    sure = [each for each in unseen if fitted.confidence(each.features) > 0.8]
    unsure = [each for each in unseen if fitted.confidence(each.features) < 0.2]
    assert sum(each.is_right for each in sure) / len(sure) > 0.8
    assert sum(each.is_right for each in unsure) / len(unsure) < 0.2
    assert fitted.right["margin"] > 0 > fitted.feasible["impossible"]


def test_thresholds_keep_silently_wrong_plans_within_the_target() -> None:
    rows = judged(600)
    for target in (0.02, 0.05, 0.10):
        refuse_below, ask_below, _ = thresholds(cross_said(rows), target, 0.0)
        said = cross_said(rows)
        ran = [each for each in said if each.possible >= refuse_below and each.confidence >= ask_below]
        assert sum(not each.is_right for each in ran) <= target * len(rows)
        assert ran


def test_thresholds_keep_to_a_target_each_for_known_job_types_and_for_new_ones() -> None:
    known = [Said(0.5 + n / 250, 0.9, True, True) for n in range(100)]
    new = [Said(0.5 + n / 50, 0.9, n % 2 == 0, True, is_new=True) for n in range(20)]
    assert thresholds(known, 0.1, 0.1) == (0.0, 0.0, 0.0)
    for most, count in ((0.1, 2), (0.2, 4)):
        _, ask_below, ask_below_new = thresholds([*known, *new], 0.1, most)  # 10 of 120 would be wrong, 10 of 20 new
        wrong = [each for each in new if each.confidence >= ask_below_new and not each.is_right]
        assert (len(wrong), ask_below) == (count, 0.0)


def test_nothing_is_asked_where_nothing_is_wrong() -> None:
    said = [Said(0.5 + n / 100, 0.9, True, True, is_new=n % 2 == 0) for n in range(40)]
    assert thresholds(said, 0.0, 0.0) == (0.0, 0.0, 0.0)


def test_a_fitted_calibration_survives_an_adapters_metadata() -> None:
    fitted = fitted_on(judged(100))
    assert Calibration.read(fitted.metadata()) == fitted


def test_too_few_goals_calibrate_nothing() -> None:
    with pytest.raises(CalibratingError, match="at least 20 are needed"):
        fitted_on(judged(10))


# -- the order of plans -----------------------------------------------------------------------------------------------


def searched(count: int) -> list[Searched]:
    """Goals with plans of which those are right that leave out no input, whatever the search says of them."""
    draw, found = Random(3), []
    for _ in range(count):
        left_out = [float(number > 0) for number in range(4)]
        draw.shuffle(left_out)
        features = [{"search": -draw.random(), "inputs": each, "steps": 3.0} for each in left_out]
        found.append(Searched(features, [each == 0.0 for each in left_out]))
    return found


def score(weights: dict[str, float], features: dict[str, float]) -> float:
    return sum(weights[name] * x for name, x in features.items())


def test_what_is_fitted_puts_right_plans_before_wrong_ones() -> None:
    goals = searched(60)
    weights = fit_order(goals)
    assert weights["inputs"] < -1.0
    for goal in goals:
        scores = [score(weights, dict(each)) for each in goal.features]
        assert goal.right[scores.index(max(scores))]


def test_a_number_that_all_plans_have_alike_gets_no_weight() -> None:
    assert fit_order(searched(60))["steps"] == pytest.approx(0.0, abs=1e-4)


def test_goals_whose_plans_are_all_right_or_all_wrong_say_nothing_of_the_order() -> None:
    told = [{"search": 0.0, "inputs": 1.0}, {"search": -1.0, "inputs": 0.0}]
    silent = [Searched(told, [True, True]), Searched(told, [False, False]), Searched([], [])]
    assert fit_order(silent) == AS_FOUND
    assert fit_order([*silent, *searched(20)]) == fit_order(searched(20))


# -- all of it --------------------------------------------------------------------------------------------------------


def test_a_calibrated_planner_asks_where_it_would_be_silently_wrong() -> None:
    sets = load_set("held-out-shipped", limit=30), load_set("held-out", limit=20)
    asked = [each for goals in sets for each in goals]
    reader = OverlapReader()
    calibration = calibrate(reader, *sets)
    assert calibration.evidence.keys() >= {"type", "among", "bind"}
    assert calibration.order != AS_FOUND
    assert Calibration.read(calibration.metadata()) == calibration

    plain, fitted = (measure(Planner(reader, each).plan, asked) for each in (Calibration(), calibration))
    assert fitted.share(Outcome.SILENTLY_WRONG) < plain.share(Outcome.SILENTLY_WRONG)
    assert fitted.share(Outcome.SILENTLY_WRONG) <= 15  # fitted on few goals, and for 5 in 100 of those
