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
