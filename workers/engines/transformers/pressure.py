"""Pressure: how much one step may hold when memory has run out before. Decides only; knows no model."""

from __future__ import annotations

from dataclasses import dataclass

#: A step of fewer tokens would hardly need less.
LEAST_TOKENS = 32

#: Good steps after which more is tried again.
PATIENCE = 500


@dataclass
class Pressure:
    most_rows: int
    most_tokens: int  #: of one step

    def __post_init__(self) -> None:
        self.rows, self.tokens = self.most_rows, self.most_tokens  #: what a step may hold now
        self.shrunk = 0  #: times that memory has run out
        self._good = 0

    def shrink(self, rows: int) -> bool:
        """A step of `rows` ran out of memory; half of them, and of its tokens, from now on. False: that is no less."""
        least = min(LEAST_TOKENS, self.most_tokens)
        if rows <= 1 and self.tokens <= least:
            return False
        self.rows, self.tokens = max(1, rows // 2), max(least, self.tokens // 2)
        self.shrunk += 1
        self._good = 0
        return True

    def pass_step(self) -> None:
        """A step went well; after many, twice as much is allowed."""
        self._good += 1
        if self._good >= PATIENCE:
            self.rows, self.tokens = min(self.most_rows, 2 * self.rows), min(self.most_tokens, 2 * self.tokens)
            self._good = 0
