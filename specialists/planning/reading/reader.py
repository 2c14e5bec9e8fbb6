"""A reader: what a planner asks of models, as a protocol. Knows no plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Reader(Protocol):
    """Scores texts against a goal. `similar` and `of_goal` use an embedding that was not trained on plans."""

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> Mapping[str, float]:
        """Numbers, before any sigmoid, by name: what the goal wants (`WANTS`), job types (`texts.known`).

        `words`: the goal and its inputs; `shape`: what the inputs are like."""

    def read(self, prefix: str, texts: Sequence[str], task: str) -> Sequence[float]:
        """A number for each text, before any sigmoid."""

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> Sequence[Sequence[float]]: ...

    def similar(self, left: Sequence[str], right: Sequence[str]) -> Sequence[Sequence[float]]:
        """Cosines: one row for each of `left`."""
