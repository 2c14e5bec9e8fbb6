"""The ladder's decisions: which rungs fit, how far it climbs, what it picks, and how it draws what it measures on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from specialists.catalog import SHIPPED
from specialists.examples import Example
from specialists.measuring.card import CARD, Made, add_ladder, write_card
from specialists.measuring.facts import Rung as Row
from specialists.measuring.facts import Trained
from specialists.specialist import load_specialist
from specialists.training.balance import MOST, balance
from specialists.training.ladder.choice import pick, two_best, warning, why_no_further, why_too_long
from specialists.training.ladder.clock import Clock
from specialists.training.ladder.rung import RUNGS, Rung, fitting
from specialists.training.ladder.split import split


def row(name: str, score: float, low: float, high: float = 99.0, **more: object) -> Row:
    return Row.model_validate(
        {"name": name, "metric": "accuracy", "scores": (score,), "interval": (low, high), "right": score} | more
    )


def names(specialist: str) -> list[str]:
    return [rung.name for rung in fitting(load_specialist(SHIPPED / specialist))]


def labels(counts: dict[str, int]) -> list[Example]:
    return [Example({"text": f"{label} {n}"}, {"kind": label}) for label, count in counts.items() for n in range(count)]


KINDS = {"type": "object", "properties": {"kind": {"enum": ["a", "b", "c"]}}, "required": ["kind"]}


def test_rungs_stand_in_the_order_of_what_a_job_costs() -> None:
    costs = [rung.cost for rung in RUNGS]
    assert costs == sorted(costs)


@pytest.mark.parametrize(
    ("specialist", "first", "count"),
    [("triage", "linear", len(RUNGS)), ("entities", "encoder", len(RUNGS) - 2), ("call", "written", 2)],
)
def test_only_rungs_that_can_give_the_output_are_tried(specialist: str, first: str, count: int) -> None:
    found = names(specialist)
    assert (found[0], len(found)) == (first, count)


def test_the_cheapest_within_the_interval_of_the_best_is_picked() -> None:
    rows = [row("linear", 88.0, 85.0), row("encoder", 91.5, 89.0), row("head6", 93.0, 91.0), row("head10", 93.5, 91.2)]
    assert pick(rows).name == "encoder"


def test_the_cheapest_is_picked_where_it_is_the_best_itself() -> None:
    assert pick([row("linear", 95.0, 93.0), row("frozen", 80.0, 77.0)]).name == "linear"


def test_a_second_seed_counts_with_the_first() -> None:
    lucky = row("head6", 93.0, 91.0).model_copy(update={"scores": (93.0, 88.0)})
    rows = [row("linear", 90.6, 88.0), row("encoder", 91.0, 90.5), lucky]
    assert [each.name for each in two_best(rows)] == ["encoder", "linear"]
    assert pick(rows).name == "linear"


def test_rungs_that_were_left_out_are_never_picked() -> None:
    rows = [Row(name="linear", left_out="no time was left"), row("encoder", 70.0, 60.0)]
    assert pick(rows).name == "encoder"


def test_the_climb_ends_behind_two_costlier_rungs_in_vain() -> None:
    rows = [row("linear", 90.0, 88.0), row("frozen", 85.0, 82.0)]
    assert why_no_further(rows, 500) is None
    assert why_no_further([*rows, row("encoder", 89.0, 86.0)], 500) == "frozen and encoder were no better than linear"


def test_the_climb_ends_where_no_model_could_be_told_from_the_best() -> None:
    assert why_no_further([row("linear", 98.0, 96.0)], 120) == "linear errs in 2 of 120: none could be told from it"
    assert why_no_further([row("linear", 98.0, 96.0)], 500) is None


def test_a_rung_is_left_out_that_could_not_see_the_examples_often_enough() -> None:
    assert why_too_long(None, 60.0) is None
    assert why_too_long(40.0, 60.0) is None
    assert why_too_long(60.0, 60.0) == "its time would do for 1.0 passes over the examples, and 1.5 are the least"
    assert why_too_long(None, 0.0) == "no time was left"


def test_a_rung_gets_half_of_what_is_left_beside_the_second_seeds() -> None:
    clock = Clock(minutes=10)
    assert clock.budget_s() == 225
    clock.took(225)
    assert clock.budget_s() == 112.5


def test_the_pace_of_one_rung_tells_that_of_a_costlier_one() -> None:
    clock, small, large = Clock(minutes=10), Rung("a", "base", 10.0), Rung("b", "base", 40.0)
    assert clock.a_pass_s(large) is None
    clock.learnt(small, seconds=60, epochs=3)
    assert clock.a_pass_s(large) == 80


def test_a_simple_method_that_does_better_is_named() -> None:
    rows = [row("linear", 91.0, 88.0), row("encoder", 89.0, 86.0, picked=True)]
    assert "linear has 91.0" in (warning(rows, rows[0]) or "")
    assert warning([row("linear", 91.0, 88.0, picked=True)], rows[0]) is None
    assert warning(rows, None) is None


def test_each_label_has_its_share_of_what_is_measured() -> None:
    taught, measured = split(labels({"a": 800, "b": 150, "c": 50}), KINDS)
    assert Counter(each.output["kind"] for each in measured) == {"a": 160, "b": 30, "c": 10}
    assert len(taught) + len(measured) == 1000


def test_no_input_is_both_taught_and_measured() -> None:
    twice = [*labels({"a": 40, "b": 40}), *labels({"a": 40, "b": 40})]
    taught, measured = split(twice, KINDS)
    assert not {each.input["text"] for each in taught} & {each.input["text"] for each in measured}


def test_a_label_with_one_example_is_taught_and_not_measured() -> None:
    taught, measured = split(labels({"a": 99, "c": 1}), KINDS)
    assert [each for each in measured if each.output["kind"] == "c"] == []
    assert sum(each.output["kind"] == "c" for each in taught) == 1


def test_rare_labels_count_more_and_the_mean_example_counts_one() -> None:
    seen = ["a"] * 81 + ["b"] * 9
    found = dict(zip("ab", balance("ab", seen), strict=True))
    assert found["b"] == pytest.approx(3 * found["a"])
    assert sum(found[each] for each in seen) / len(seen) == pytest.approx(1)
    assert balance("ab", ["a"] * 10_000 + ["b"])[1] == MOST
    assert balance("abc", "ab")[2] == 1.0


def test_the_card_shows_the_ladder_before_the_scores(tmp_path: Path) -> None:
    trained = Trained(base="linear", examples=90, options="", minutes=0.1, device="2 cores", date="2026-12-01")
    write_card(tmp_path, "mood", "mood.jsonl, 90 examples", trained, Made("none", "logistic regression"), 0.1)
    add_ladder(tmp_path, [row("linear", 91.0, 88.0, picked=True), Row(name="frozen", left_out="late")], 40, "beaten")
    text = (tmp_path / CARD).read_text()
    assert "logistic regression" in text
    assert "- base: none" in text
    ladder, scores = text.split("## Measured")
    assert "| **linear** | 91.0 | 88.0 to 99.0 |" in ladder
    assert "| frozen | left out: late |" in ladder
    assert "**Warning:** beaten." in ladder
    assert scores.strip().startswith("| date |")
