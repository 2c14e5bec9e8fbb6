"""A reader without a model: what it says of a text follows from a digest of it. Knows no plan."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from specialists.planning.texts import WANTS


class Scores(NamedTuple):
    own: list[float]
    branches: list[float]


class DigestReader:
    """Scores as a `Planner` asks for them: between `-spread` and `spread`, and the same for the same text."""

    def __init__(self, seed: int = 0, spread: float = 6.0) -> None:
        self._seed = seed
        self._spread = spread

    def wants(self, goal: str, shape: Sequence[float]) -> list[float]:
        return [self._score(goal, repr(list(shape)), want) for want in WANTS]

    def read(self, prefix: str, branches: Sequence[tuple[str, str]], own: str = "") -> Scores:
        return Scores([], [self._score(prefix, task, text) for task, text in branches])

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        return [[self._score(prefix, task, text) for text in texts] for prefix, texts in asked]

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return [[share(self._seed, "similar", one, other) for other in right] for one in left]

    def _score(self, *parts: str) -> float:
        return self._spread * share(self._seed, *parts)


def share(seed: int, *parts: str) -> float:
    """Between -1 and 1; of texts that no encoding holds (lone surrogates) too."""
    text = "\0".join((str(seed), *parts))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**63 - 1
