"""Draws: numbers that follow from a digest, so that equal values have equal draws. Knows no schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class NoStandIn(ValueError):
    """No value was found that keeps the schema. The message says which part of the schema is the reason."""


class Draw:
    """A number, and a tree of draws below it, one for each name. A field's draw does not depend on other fields."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    @classmethod
    def of(cls, *about: Any) -> Draw:
        """The draw for some JSON values. The order of the names in their objects does not change it."""
        text = json.dumps(about, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return cls(hashlib.sha256(text.encode()).digest())

    def at(self, name: str | int) -> Draw:
        return Draw(hashlib.sha256(self._digest + f"\0{name}".encode()).digest())

    def below(self, end: int) -> int:
        """A number from 0 to `end`, without `end` itself."""
        return int.from_bytes(self._digest) % end

    def between(self, least: int, most: int) -> int:
        """A number from `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]
