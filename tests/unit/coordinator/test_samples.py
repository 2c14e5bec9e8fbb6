"""Samples: what the planner sees of an input is true of it, and bounded."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic_core import to_json

from coordinator.plans.samples import SAMPLE_BYTES, SCHEMA_BYTES, told_of


def test_a_list_begins_with_two_elements_and_a_text_with_160_characters() -> None:
    told = told_of([{"title": "x" * 900, "tags": ["a", "b", "c"], "stars": 4}] * 5)
    assert told["sample"] == [{"title": "x" * 160, "tags": ["a", "b"], "stars": 4}] * 2
    assert told["schema"]["items"]["properties"]["stars"] == {"type": "integer"}


@pytest.mark.parametrize("value", ["short", 3, 2.5, True, [], {}, ["a"], {"a": {"b": [1]}}])
def test_what_is_small_is_shown_whole(value: Any) -> None:
    assert told_of(value)["sample"] == value


LARGE = [
    pytest.param({f"field_{number}": "x" * 200 for number in range(5_000)}, id="many fields"),
    pytest.param({"y" * 5_000: 1, "a": {"z" * 5_000: 1}}, id="long names"),
    pytest.param([[["x" * 500] * 12] * 12] * 12, id="lists in lists"),
    pytest.param([{f"k{n}": {f"q{m}": "€" * 300 for m in range(40)} for n in range(40)}] * 3, id="a wide tree"),
]


def deep(levels: int) -> Any:
    return {"a": deep(levels - 1), "b": "x" * 100} if levels else 1


@pytest.mark.parametrize("value", [*LARGE, pytest.param(deep(60), id="deep")])
def test_what_is_large_is_bounded_and_its_schema_stays_true(value: Any) -> None:
    told = told_of(value)
    assert len(to_json(told["sample"])) <= SAMPLE_BYTES
    assert len(to_json(told["schema"])) <= SCHEMA_BYTES
    assert Draft202012Validator(told["schema"]).is_valid(value)


def test_fields_that_are_left_out_leave_the_schema_open() -> None:
    assert told_of({f"f{number}": number for number in range(500)})["schema"]["additionalProperties"] is True
    assert told_of({"a": 1})["schema"]["additionalProperties"] is False


@pytest.mark.parametrize("bad", [None, "", " \t", 3, True, ["a"], {"text": "one"}])
@pytest.mark.parametrize("place", [0, 2])
def test_one_bad_item_changes_nothing_of_what_the_planner_sees(bad: Any, place: int) -> None:
    told = told_of(["one", "two"])
    items = ["one", "two"]
    items.insert(place, bad)
    assert told_of(items) == told


@pytest.mark.parametrize("bad", [None, {}, {"id": 3}, {"id": 3, "text": None}, {"id": "3", "text": "x"}, [1], "x"])
def test_one_bad_row_changes_nothing_of_what_the_planner_sees(bad: Any) -> None:
    rows = [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]
    assert told_of([bad, *rows]) == told_of(rows)
    assert told_of({"shops": [{"rows": [bad, *rows]}]}) == told_of({"shops": [{"rows": rows}]})


@pytest.mark.parametrize(
    "value", [["a", None], ["a", 1, True], [{"a": 1}, {"b": 1}], [None, None], [1, 2.5], ["", " "]]
)
def test_where_no_kind_is_usual_all_of_a_list_is_told(value: Any) -> None:
    assert told_of(value)["sample"] == value[:2]
    assert Draft202012Validator(told_of(value)["schema"]).is_valid(value)


def test_a_field_that_half_of_the_rows_have_is_no_usual_one() -> None:
    told = told_of([{"text": "one"}, {"text": "two", "note": "x"}] * 3)
    assert told["schema"]["items"]["required"] == ["text"]
    assert list(told["schema"]["items"]["properties"]) == ["text", "note"]
