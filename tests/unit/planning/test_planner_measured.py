"""What the planner's answers come to, and what a planner that lacks some of what it knows says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from specialists.planning.words.texts import WANTS
from specialists.training.planning.sets.outcomes import Figures, Outcome, measure, outcome
from specialists.training.planning.sets.readers import PARTS, Without
from specialists.training.planning.sets.sets import Asked

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

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> dict[str, float]:
        return {**dict.fromkeys(WANTS, 4.0), "type grade: grade": 3.0}

    def read(self, prefix: str, texts: Sequence[str], task: str) -> list[float]:
        return [2.0] * len(texts)

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        return [[5.0] * len(texts) for _, texts in asked]

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return [[1.0] * len(right) for _ in left]


def test_a_task_that_is_left_out_finds_everything_as_likely_as_not() -> None:
    reader = Without(Certain(), ["type", "bind"])
    assert reader.read("goal", ["a", "b"], "type") == [0.0, 0.0]
    assert reader.read("goal", ["a", "b"], "part") == [2.0, 2.0]
    assert reader.read_many([("need", ["a", "b"]), ("other", [])], "bind") == [[0.0, 0.0], []]
    assert reader.read_many([("need", ["a"])], "part") == [[5.0]]


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("type", {**dict.fromkeys(WANTS, 4.0), "type grade: grade": 3.0}),
        ("known", dict.fromkeys(WANTS, 4.0)),
        ("goal", dict.fromkeys(WANTS, 0.0)),
    ],
)
def test_what_whole_goals_say_can_be_left_out_or_the_job_types_known_by_name_alone(
    left_out: str, said: dict[str, float]
) -> None:
    assert Without(Certain(), [left_out]).of_goal("goal", "goal [given nothing]", []) == said


def test_without_the_base_all_texts_are_as_near_to_each_other() -> None:
    assert Without(Certain(), ["base"]).similar(["a"], ["b", "c"]) == [[0.0, 0.0]]
    assert Without(Certain(), set(PARTS) - {"base"}).similar(["a"], ["b", "c"]) == [[1.0, 1.0]]
