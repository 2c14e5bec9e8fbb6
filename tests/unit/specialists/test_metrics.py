"""Scores on answers small enough to count by hand."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.examples import Example
from specialists.measuring.metrics import counts, intervals, right, score


def scored(expected: list[dict[str, Any]], outputs: list[Any], inputs: list[dict[str, Any]] | None = None) -> Any:
    given = inputs or [{} for _ in expected]
    return score([Example(input, output) for input, output in zip(given, expected, strict=True)], outputs)


def test_a_label_is_right_or_wrong() -> None:
    found = scored([{"intent": "a"}, {"intent": "b"}], [{"intent": "a"}, {"intent": "a"}])

    assert found["accuracy"] == 50


def test_an_answer_that_did_not_parse_is_wrong_and_not_missing() -> None:
    found = scored([{"intent": "a"}, {"intent": "b"}], [{"intent": "a"}, None])

    assert found["accuracy"] == 50


def test_what_is_out_of_scope_is_measured_apart() -> None:
    expected = [{"intent": label} for label in ("a", "b", "out_of_scope", "out_of_scope", "out_of_scope")]
    outputs = [{"intent": label} for label in ("a", "out_of_scope", "out_of_scope", "a", "b")]

    found = scored(expected, outputs)

    assert (found["in_scope_accuracy"], found["oos_recall"]) == (50, 33.33)


def test_out_of_scope_is_not_measured_where_nothing_is() -> None:
    assert set(scored([{"intent": "a"}], [{"intent": "a"}])) == {"accuracy", "macro_f1"}


def test_macro_f1_is_the_mean_over_labels_and_then_over_repositories() -> None:
    expected = [{"kind": "bug"}, {"kind": "feature"}, {"kind": "bug"}]
    outputs = [{"kind": "bug"}, {"kind": "bug"}, {"kind": "bug"}]
    inputs = [{"repository": "x"}, {"repository": "x"}, {"repository": "y"}]

    # x: bug has 2 * 1 / (2 + 1) = 2/3 and feature 0, so 1/3; y: 1
    assert scored(expected, outputs, inputs)["macro_f1"] == pytest.approx(100 * (1 / 3 + 1) / 2, abs=0.01)


def command(intent: str, *slots: tuple[str, str]) -> dict[str, Any]:
    return {"intent": intent, "slots": [{"name": name, "value": value} for name, value in slots]}


def test_slots_are_counted_over_all_examples_together() -> None:
    expected = [command("play", ("artist", "Abba"), ("year", "1976")), command("play", ("artist", "Blur"))]
    outputs = [command("play", ("artist", "Abba"), ("year", "1977")), None]

    # 1 hit, 2 answered, 3 expected
    assert scored(expected, outputs) == {"intent_accuracy": 50, "slot_f1": 40, "exact": 0}


def entities(*spans: tuple[str, str]) -> dict[str, Any]:
    return {"entities": [{"type": type, "text": text} for type, text in spans]}


def test_a_span_said_twice_is_two_spans() -> None:
    found = scored([entities(("person", "Ann"), ("person", "Ann"))], [entities(("person", "Ann"))])

    assert found["span_f1"] == 66.67


def test_nothing_to_find_and_nothing_found_is_right() -> None:
    assert scored([entities()], [entities()]) == {"span_f1": 100, "exact": 100}


def test_fields_are_compared_one_by_one() -> None:
    found = scored([{"date": "1", "total": "2"}], [{"date": "1", "total": "3"}])

    assert found == {"field_exact": 50, "exact": 0}


def test_a_field_that_is_answered_in_vain_is_wrong() -> None:
    expected = [{"date": "1"}, {"date": "1", "total": "2"}]
    outputs = [{"date": "1", "total": "9"}, {"date": "1"}]

    assert scored(expected, outputs) == {"field_exact": 50, "exact": 0}


def test_lists_and_maps_under_names_of_ones_own_are_counted_by_their_items_and_other_fields_as_a_whole() -> None:
    expected: list[dict[str, Any]] = [
        {"kind": "car"},
        {"kind": "boat", "parts": [{"of": "sail"}], "sizes": {"length": 9, "width": 3}},
    ]
    outputs: list[dict[str, Any]] = [
        {"kind": "car"},
        {"kind": "car", "parts": [{"of": "sail"}, {"of": "keel"}], "sizes": {"length": 9}},
    ]

    assert scored(expected, outputs) == {"kind_accuracy": 50, "parts_f1": 66.67, "sizes_f1": 66.67, "exact": 50}


def test_a_log_template_is_right_as_a_whole() -> None:
    assert scored([{"template": "a <*>"}], [{"template": "a <*>"}]) == {"parsing_accuracy": 100}


def test_a_call_is_measured_by_name_by_arguments_and_as_a_whole() -> None:
    expected = [{"name": "buy", "arguments": {"what": "tea", "count": "2"}}]
    outputs = [{"name": "buy", "arguments": {"what": "tea", "count": "3"}}]

    assert scored(expected, outputs) == {"accuracy": 100, "argument_f1": 50, "exact": 0}


def labels(*intents: str) -> list[dict[str, Any]]:
    return [{"intent": intent} for intent in intents]


def test_what_is_of_no_example_is_not_measured() -> None:
    outside = labels("out_of_scope", "out_of_scope")
    examples = [Example({}, output) for output in outside]

    assert set(scored(outside, outside)) == set(intervals(examples, outside)) == {"accuracy", "macro_f1", "oos_recall"}
    assert counts([*examples, Example({}, {"intent": "a"})]) == {
        "accuracy": 3, "macro_f1": 3, "in_scope_accuracy": 1, "oos_recall": 2,
    }  # fmt: skip


def test_an_output_is_right_if_nothing_in_it_is_wrong() -> None:
    example = Example({}, {"date": "1", "total": "2"})

    assert right(example, {"total": "2", "date": "1"})
    assert not right(example, {"date": "1", "total": "3"})
    assert not right(example, None)
