"""The names of inputs: as people write them, as long as a reference can tell them."""

from __future__ import annotations

import pytest

from coordinator.goals.input_names import input_faults


@pytest.mark.parametrize(
    "name", ["messages", "Mails (March)", "größe", "item", "s1", "7", "e-mails/today", "x" * 64, "受信箱"]
)
def test_a_name_is_what_people_write(name: str) -> None:
    assert input_faults({name: "x"}) == []


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a.b", "a[]", "a{b}", "a\nb", "a\x00", "a\u202eb", "x" * 65])
def test_what_a_reference_could_not_tell_or_nobody_could_see_is_no_name(name: str) -> None:
    (fault,) = input_faults({name: "x"})
    assert fault.startswith(f"inputs: {name[:64]!r} is no name; use 1 to 64 characters, no dots, ")


def test_a_value_that_is_null_is_left_out() -> None:
    assert input_faults({"a": None}) == ["inputs: 'a' is null; leave it out"]
