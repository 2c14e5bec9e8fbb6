"""Readers without a model: their scores follow from a digest of a text, or from its words. Know no plan."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

from specialists.planning.words.texts import WANTS


class DigestReader:
    """Gives the scores that a `Planner` asks for: between `-spread` and `spread`, and the same for the same text.

    It knows no job type by its name.
    """

    def __init__(self, seed: int = 0, spread: float = 6.0) -> None:
        self._seed = seed
        self._spread = spread

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> dict[str, float]:
        return {want: self._score(goal, words, repr(list(shape)), want) for want in WANTS}

    def read(self, prefix: str, texts: Sequence[str], task: str) -> list[float]:
        return [self._score(prefix, task, text) for text in texts]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        return [self.read(prefix, texts, task) for prefix, texts in asked]

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return [[share(self._seed, "similar", one, other) for other in right] for one in left]

    def _score(self, *parts: str) -> float:
        return self._spread * share(self._seed, *parts)


class OverlapReader:
    """Scores a text by the share of words that it has in common with the other. It knows nothing of wants."""

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> dict[str, float]:
        return dict.fromkeys(WANTS, -2.0)

    def read(self, prefix: str, texts: Sequence[str], task: str) -> list[float]:
        return [8 * overlap(prefix, text) - 4 for text in texts]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        return [self.read(prefix, texts, task) for prefix, texts in asked]

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return [[overlap(one, other) for other in right] for one in left]


def overlap(one: str, other: str) -> float:
    """The share of all words that both texts have, from 0 to 1; upper and lower case make no difference."""
    left, right = _words(one), _words(other)
    return len(left & right) / len(left | right) if left | right else 0.0


@lru_cache(maxsize=10_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def share(seed: int, *parts: str) -> float:
    """A number between -1 and 1, also for texts that no encoding holds (lone surrogates)."""
    text = "\0".join((str(seed), *parts))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**63 - 1
