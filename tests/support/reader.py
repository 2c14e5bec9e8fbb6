"""What reads texts for the planner, made by hand. No model is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specialists.planning.words import texts


class FakeReader:
    """Says what it was told to say, by a part of the text; of all else that it is unlikely. Remembers what it read."""

    def __init__(self, says: Mapping[str, float] | None = None, wants: Sequence[str] = ()) -> None:
        self._says = says or {}
        self._wants = wants
        self.known: dict[str, float] = {}
        self.near: dict[tuple[str, str], float] = {}  #: cosines, by parts of both texts
        self.read_texts: dict[str, list[str]] = {"type": [], "part": [], "bind": []}

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> dict[str, float]:
        return {name: 3.0 if name in self._wants else -5.0 for name in texts.WANTS} | self.known

    def read(self, prefix: str, texts: Sequence[str], task: str) -> list[float]:
        self.read_texts[task] += texts
        return [self._of(text) for text in texts]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        return [self.read(prefix, texts, task) for prefix, texts in asked]

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return [[self._cosine(one, other) for other in right] for one in left]

    def _of(self, text: str) -> float:
        return next((x for part, x in self._says.items() if part in text), -3.0)

    def _cosine(self, one: str, other: str) -> float:
        return next((x for (a, b), x in self.near.items() if a in one and b in other), 0.1)
