"""The names of a goal's inputs, and their faults. Knows no goal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: How long an input's name may be, and the characters that it may not have, as they mean something in a reference.
_NAME_CHARACTERS = 64
_NOT_IN_NAMES = frozenset(".[]{}")


def input_faults(inputs: Mapping[str, Any]) -> list[str]:
    """The faults of the inputs' names, and of values that are null."""
    faults = []
    for name, value in inputs.items():
        if not _is_name(name):
            faults.append(
                f"inputs: {name[:_NAME_CHARACTERS]!r} is no name; use 1 to {_NAME_CHARACTERS} characters, "
                "no dots, brackets or control characters among them, and no space around"
            )
        if value is None:
            faults.append(f"inputs: {name[:64]!r} is null; leave it out")
    return faults


def _is_name(name: str) -> bool:
    is_one = 0 < len(name) <= _NAME_CHARACTERS and name == name.strip()
    return is_one and name.isprintable() and not _NOT_IN_NAMES & set(name)
