"""References: what a path means, and that one without a value says where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.plans import references
from coordinator.plans.binder import Binder, TooLarge
from coordinator.plans.references import Unresolved, bind, head, resolve

VALUES: dict[str, Any] = {
    "s1": [{"colour": "red", "size": {"n": 1}}, {"colour": "blue", "size": {"n": 2}}],
    "inputs": {"shops": [{"orders": [{"n": 1}, {"n": 2}]}, {"orders": []}, {"orders": [{"n": 3}]}], "1": "one"},
    "row": {"ship.to.city": "Oslo", "ship": {"by": "sea"}, "tags.all": [{"a.b": 1}, {"a.b": 2}]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("s1", VALUES["s1"]),
        ("s1[]", VALUES["s1"]),
        ("s1[].colour", ["red", "blue"]),
        ("s1[].size.n", [1, 2]),
        ("s1.1.colour", "blue"),
        ("inputs.1", "one"),
        ("inputs.shops[].orders", [[{"n": 1}, {"n": 2}], [], [{"n": 3}]]),
        ("inputs.shops[].orders[]", [{"n": 1}, {"n": 2}, {"n": 3}]),
        ("inputs.shops[].orders[].n", [1, 2, 3]),
        ("inputs.shops.0.orders[].n", [1, 2]),
        ("row.ship.by", "sea"),
        ("row.tags.all[].a.b", [1, 2]),
        ("row.tags.all.1.a.b", 2),
    ],
)
def test_a_path_goes_by_name_by_index_and_into_each(path: str, value: Any) -> None:
    assert resolve(path, VALUES) == value
    assert bind({"x": [{"$ref": path}]}, VALUES) == {"x": [value]}
    assert head(path) == path.partition(".")[0].removesuffix("[]")


def test_what_is_null_in_a_list_stays_null_under_each_and_has_no_elements() -> None:
    values = {"s1": [{"colour": "red", "parts": [1, 2]}, None, {"colour": "blue", "parts": [3]}]}
    assert resolve("s1[].colour", values) == ["red", None, "blue"]
    assert resolve("s1[]", values) == values["s1"]
    assert resolve("s1[].parts", values) == [[1, 2], None, [3]]
    assert resolve("s1[].parts[]", values) == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("s1.2.colour", "no element 2 of 2"),
        ("s1.colour", "no 'colour' there"),
        ("s1[].shape", "no 'shape' there"),
        ("inputs[].x", "'[]' is asked of what is no list"),
        ("s1.-1", "no '-1' there"),
    ],
)
def test_a_path_without_a_value_says_why(path: str, reason: str) -> None:
    with pytest.raises(
        Unresolved, match=f"^reference .* has no value: {reason.replace('[]', '.[]').replace('.[', '.')}"
    ) as caught:
        resolve(path, VALUES)
    assert reason in str(caught.value)


def test_the_shorter_of_two_names_is_meant() -> None:
    with pytest.raises(Unresolved, match="no 'to' there"):
        resolve("row.ship.to.city", VALUES)
    assert resolve("row.ship.to.city", {"row": {"ship.to.city": "Oslo"}}) == "Oslo"


@pytest.mark.parametrize("path", ["", ".", "a.", "[]", "a.[]", "a..b", 7, None])
def test_a_path_is_names_with_dots_between(path: Any) -> None:
    assert "must be names with dots between" in (references.form_fault({"$ref": path}) or "")


def test_lists_that_are_put_together_for_a_job_are_measured_for_each() -> None:
    values = {"s1": [{"text": "x" * 1000}] * 3000}
    with pytest.raises(TooLarge, match="jobs 0 to 21 bring the release to 66"):
        list(Binder().bind({"a": {"$ref": "s1[].text"}}, [values] * 30))
