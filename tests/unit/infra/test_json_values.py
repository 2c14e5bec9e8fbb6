"""JSON values: what can be written and read again, and what cannot."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import from_json, to_json

from infra.json_values import DEEPEST, levels, unwritable


def nested(depth: int) -> Any:
    value: Any = 1
    for turn in range(depth):
        value = [value] if turn % 2 else {"a": value}
    return value


@pytest.mark.parametrize("depth", [0, 1, 2, 50, 5_000])
def test_the_levels_of_a_value_are_counted_however_deep_it_is(depth: int) -> None:
    assert levels([nested(depth), 1, {}]) == max(depth, 1) + 1


def test_what_can_be_kept_is_read_back_the_same() -> None:
    value = {"deep": nested(DEEPEST - 1), "text": "\0 ü 😀", "big": 10**300}
    assert unwritable(value) is None
    assert from_json(to_json(value)) == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(DEEPEST + 1), "nests 101 levels deep, the limit is 100"),
        ({"a": ["\ud800"]}, "half a surrogate pair"),
        ({"\udfff": 1}, "half a surrogate pair"),
        ({"a": float("nan")}, "not finite"),
        ([float("-inf")], "not finite"),
    ],
)
def test_what_cannot_be_kept_says_why(value: Any, reason: str) -> None:
    said = unwritable(value)
    assert said is not None
    assert reason in said
