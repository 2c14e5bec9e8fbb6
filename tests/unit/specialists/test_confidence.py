"""Confidence: a calibration undoes what a model says too much, and is told by answers that it was not fitted on."""

from __future__ import annotations

import random
from math import exp, log

import pytest

from specialists.confidence import Calibration, Judged, calibrate, calibration_error, coverage, cross_calibrated


def boastful(count: int) -> list[Judged]:
    """Answers that are right as often as `chance` says, of a model that makes the odds' logarithm three times that."""
    draw, found = random.Random(3), []
    for _ in range(count):
        chance = draw.uniform(0.3, 0.99)
        odds = 3 * log(chance / (1 - chance))
        found.append((1 / (1 + exp(-odds)), draw.random() < chance))
    return found


def test_a_calibration_undoes_what_a_model_says_too_much() -> None:
    judged = boastful(4000)

    fitted = calibrate(judged)

    assert fitted.scale == pytest.approx(1 / 3, abs=0.05)
    assert fitted.shift == pytest.approx(0, abs=0.15)
    assert calibration_error(judged) > 10
    assert calibration_error([(fitted.confidence(p), truth) for p, truth in judged]) < 3


def test_who_was_not_fitted_on_is_judged_once_each() -> None:
    judged = boastful(203)

    found = cross_calibrated(judged)

    assert len(found) == 203
    assert sum(truth for _, truth in found) == sum(truth for _, truth in judged)
    assert calibration_error(found) < calibration_error(judged)


@pytest.mark.parametrize("truth", [True, False])
def test_answers_that_are_all_alike_make_nothing_certain(truth: bool) -> None:
    fitted = calibrate([(0.9, truth), (0.99, truth), (1.0, truth)] * 10)

    assert 0 < fitted.confidence(0.95) < 1
    assert (fitted.confidence(0.95) > 0.8) is truth


def test_confidence_rises_with_the_models_probability_and_stays_between_0_and_1() -> None:
    calibration = Calibration(scale=0.5, shift=-1)
    found = [calibration.confidence(p) for p in (0.0, 1e-9, 0.2, 0.5, 0.9, 1.0)]

    assert found == sorted(found)
    assert found[0] > 0
    assert found[-1] < 1


@pytest.mark.parametrize("first", [True, False])
def test_of_answers_that_are_as_sure_none_is_first_because_it_is_right(first: bool) -> None:
    judged = [(0.9, first)] * 50 + [(0.9, not first)] * 50

    (half,) = coverage(judged, shares=(0.5,))

    assert half["right"] == 50
    assert calibration_error(judged) == pytest.approx(40)


def test_the_surest_answers_are_kept_first() -> None:
    judged = [(n / 100, n >= 40) for n in range(100)]

    whole, half = coverage(judged, shares=(1.0, 0.5))

    assert (whole["coverage"], whole["right"]) == (100, 60)
    assert (half["coverage"], half["threshold"], half["right"]) == (50, 0.5, 100)


def test_of_several_probabilities_the_answers_own_becomes_its_confidence_and_the_others_share_the_rest() -> None:
    surer = Calibration(scale=2.0)

    sure, second, third = surer.spread([0.6, 0.3, 0.1])

    assert sure == surer.confidence(0.6) > 0.6
    assert second == pytest.approx(3 * third)
    assert sure + second + third == pytest.approx(1)


def test_an_answer_that_a_calibration_trusts_less_is_passed_by_no_other() -> None:
    doubtful = Calibration(shift=-2.0)

    sure, second = doubtful.spread([0.55, 0.45])

    assert sure == doubtful.confidence(0.55) < 0.2
    assert second == pytest.approx(sure)


def test_an_answer_that_is_certain_leaves_the_others_nothing() -> None:
    sure, *others = Calibration(scale=0.5).spread([1.0, 0.0, 0.0])

    assert sure > 0.99
    assert others == [0, 0]
