"""Draws: numbers that follow from a digest, so that the same is drawn for the same. Knows no schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class NoStandIn(ValueError):
    """Nothing was found that keeps the schema; says which part of it is too much."""


class Draw:
    """One number, and below it one for each name: what is drawn for a field changes with no other field."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    @classmethod
    def of(cls, *about: Any) -> Draw:
        """For JSON values: the same for equal ones, in whatever order their names come."""
        text = json.dumps(about, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return cls(hashlib.sha256(text.encode()).digest())

    def at(self, name: str | int) -> Draw:
        return Draw(hashlib.sha256(self._digest + f"\0{name}".encode()).digest())

    def below(self, end: int) -> int:
        """From 0 to `end`, which is not drawn itself."""
        return int.from_bytes(self._digest) % end

    def between(self, least: int, most: int) -> int:
        """Both may be drawn."""
        return least + self.below(most - least + 1)

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]
