"""Equality of values as people see it: `Lost or stolen card` equals `lost_or_stolen_card`, and 7 equals "7"."""

from __future__ import annotations

from typing import Any

from specialists.functions.fields import identity, plain
from specialists.functions.numbers import number_of


def key_of(value: Any) -> str:
    """A text that is the same for values that people take for the same; "007" and "7" are different texts."""
    if isinstance(value, str):
        return plain(value)
    return identity(value)


def is_same(value: Any, wanted: Any) -> bool:
    """Whether the keys are equal, or one value is a number or a boolean and the other a text of it (`45,20`)."""
    if isinstance(value, str) and isinstance(wanted, str):
        return plain(value) == plain(wanted)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _truth(value) is not None and _truth(value) == _truth(wanted)
    one, other = number_of(value), number_of(wanted)
    return one == other if one is not None and other is not None else key_of(value) == key_of(wanted)


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(plain(str(value)))
