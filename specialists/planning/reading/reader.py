"""A reader: a planner's questions to models, as a protocol. Knows no plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Reader(Protocol):
    """Scores texts against a goal. `similar` and `of_goal` use an embedding that was not trained on plans."""

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> Mapping[str, float]:
        """Scores before the sigmoid, by name: for each want of `WANTS`, and for job types as `texts.known` names them.

        `words`: the goal and its inputs; `shape`: the form of the inputs, as `shape_of` describes it.
        """

    def read(self, prefix: str, texts: Sequence[str], task: str) -> Sequence[float]:
        """Return a score for each text, before the sigmoid."""

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> Sequence[Sequence[float]]: ...

    def similar(self, left: Sequence[str], right: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return cosine similarities: one row for each text of `left`."""
