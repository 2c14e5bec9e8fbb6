"""What the planner's answers come to, and when it asks or refuses: calibrated on goals that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from specialists.planning.calibration import FEATURES, Calibration
from specialists.training.planning.calibrating import (
    CalibratingError,
    Judged,
    Said,
    cross_said,
    fitted_on,
    thresholds,
)
from specialists.training.planning.measuring import Figures, Outcome, measure, outcome
from specialists.training.planning.readers import Scores, Without
from specialists.training.planning.sets import Asked

RIGHT = [
    {
        "id": "s1",
        "type": "grade",
        "map": {"over": {"$ref": "inputs.notes"}, "as": "item"},
        "args": {"note": {"$ref": "item"}},
    }
]
SAME = [{**RIGHT[0], "id": "first"}]
OTHER = [{**RIGHT[0], "type": "topic"}]
TEXT = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}
OFFERS = [
    {"name": name, "description": name, "input": TEXT, "output": {"type": "object"}} for name in ("grade", "topic")
]


def asked(*plans: Any) -> Asked:
    return Asked("1", "map" if plans else "refuse", "grade them", {"notes": ["a"]}, OFFERS, list(plans))


def answered(answer: str, *plans: Any) -> dict[str, Any]:
    return {"answer": answer, "plans": [{"steps": steps} for steps in plans]}


@pytest.mark.parametrize(
    ("said", "plans", "comes_to"),
    [
        (answered("plan", SAME, OTHER), [RIGHT], Outcome.RIGHT),
        (answered("plan", OTHER, SAME), [RIGHT], Outcome.SILENTLY_WRONG),
        (answered("plan", OTHER), [], Outcome.SILENTLY_WRONG),
        (answered("unsure", OTHER, SAME), [RIGHT], Outcome.UNSURE),
        (answered("unsure", OTHER), [RIGHT], Outcome.UNSURE_WRONG),
        (answered("unsure", OTHER), [], Outcome.UNSURE),
        (answered("refused"), [], Outcome.RIGHT),
        (answered("refused"), [RIGHT], Outcome.REFUSED),
    ],
)
def test_what_an_answer_comes_to(said: dict[str, Any], plans: list[Any], comes_to: Outcome) -> None:
    assert outcome(asked(*plans), said) is comes_to


def test_figures_are_by_kind_and_in_percent_of_its_goals() -> None:
    figures = measure(lambda _: answered("plan", RIGHT), [asked(RIGHT), asked(OTHER), asked(), asked(RIGHT)])
    assert figures.json()["map"]["right"] == 2
    assert figures.share(Outcome.SILENTLY_WRONG) == 50
    head, first, second, last = figures.lines()
    assert [line.split()[:3] for line in (first, second, last)] == [
        ["map", "3", "66.7"], ["refuse", "1", "0.0"], ["all", "4", "50.0"],
    ]  # fmt: skip
    assert "silently wrong" in head
    assert list(Figures().lines())[-1].split()[:2] == ["all", "0"]


class Certain:
    """A reader that says the same of everything."""

    def wants(self, goal: str, shape: Sequence[float]) -> list[float]:
        return [4.0, 4.0]

    def read(self, prefix: str, branches: Sequence[tuple[str, str]], own: str = "") -> Scores:
        return Scores([3.0], [2.0, 2.0])

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        return [[5.0] * len(branches) for _, branches in asked]

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return [[1.0] * len(right) for _ in left]


def test_a_head_that_is_left_out_finds_everything_as_likely_as_not() -> None:
    reader = Without(Certain(), ["plan", "bind"])
    said = reader.read("goal", [("type", "a"), ("plan", "b")], own="wants")
    assert (list(said.own), said.branches) == ([3.0], [2.0, 0.0])
    assert reader.read_many([("need", ["a", "b"])], "bind") == [[0.0, 0.0]]
    assert reader.read_many([("need", ["a"])], "part") == [[5.0]]
    assert reader.wants("goal", []) == [4.0, 4.0]
    assert Without(Certain(), ["wants"]).wants("goal", []) == [0.0, 0.0]


def judged(count: int, seed: int = 1) -> list[Judged]:
    """Goals whose first plan is right the oftener the surer the judge is; impossible ones are known by their want."""
    draw, found = Random(seed), []
    for _ in range(count):
        is_possible = draw.random() < 0.8
        judge = draw.gauss(1.0 if is_possible else -2.0, 2.0)
        features = dict.fromkeys(FEATURES, 0.0) | {"judged": judge, "impossible": -3.0 if is_possible else 1.0}
        features |= {"search": draw.gauss(-5, 2), "impossible": features["impossible"] + draw.gauss(0, 1.5)}
        found.append(Judged(features, is_possible and draw.gauss(0, 1) < judge, is_possible))
    return found


def test_a_fitted_model_says_how_often_plans_are_right() -> None:
    fitted = fitted_on(judged(800))
    unseen = judged(800, seed=2)
    sure = [each for each in unseen if fitted.confidence(each.features) > 0.8]
    unsure = [each for each in unseen if fitted.confidence(each.features) < 0.2]
    assert sum(each.is_right for each in sure) / len(sure) > 0.8
    assert sum(each.is_right for each in unsure) / len(unsure) < 0.2
    assert fitted.right["judged"] > 0 > fitted.feasible["impossible"]


def test_thresholds_keep_silently_wrong_plans_within_the_target() -> None:
    rows = judged(600)
    for target in (0.02, 0.05, 0.10):
        refuse_below, ask_below = thresholds(cross_said(rows), target)
        said = cross_said(rows)
        ran = [each for each in said if each.possible >= refuse_below and each.confidence >= ask_below]
        assert sum(not each.is_right for each in ran) <= target * len(rows)
        assert ran


def test_nothing_is_asked_where_nothing_is_wrong() -> None:
    said = [Said(0.5 + n / 100, 0.9, True, True) for n in range(40)]
    assert thresholds(said, 0.0) == (0.0, 0.0)


def test_a_calibration_survives_an_adapters_metadata() -> None:
    fitted = fitted_on(judged(100))
    assert Calibration.read(fitted.metadata()) == fitted


def test_too_few_goals_calibrate_nothing() -> None:
    with pytest.raises(CalibratingError, match="at least 20 are needed"):
        fitted_on(judged(10))
