"""When two values are the same to people: `Lost or stolen card` and `lost_or_stolen_card`, 7 and "7"."""

from __future__ import annotations

from typing import Any

from specialists.functions.fields import identity, plain
from specialists.functions.numbers import number_of


def key_of(value: Any) -> str:
    """The same for values that are the same to people. Texts are compared as texts: "007" is not "7"."""
    if isinstance(value, str):
        return plain(value)
    return identity(value)


def is_same(value: Any, wanted: Any) -> bool:
    """As by their keys; and where one is a number, or true or false, the other may be a text of it (`45,20`)."""
    if isinstance(value, str) and isinstance(wanted, str):
        return plain(value) == plain(wanted)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _truth(value) is not None and _truth(value) == _truth(wanted)
    one, other = number_of(value), number_of(wanted)
    return one == other if one is not None and other is not None else key_of(value) == key_of(wanted)


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(plain(str(value)))
