"""Pressure: how much one step may hold after memory has run out. Decides only; knows no model."""

from __future__ import annotations

from dataclasses import dataclass

#: A step with fewer tokens than these would hardly need less memory.
LEAST_TOKENS = 32

#: After this many good steps, more is tried again.
PATIENCE = 500


@dataclass
class Pressure:
    most_rows: int
    most_tokens: int  #: of one step

    def __post_init__(self) -> None:
        self.rows, self.tokens = self.most_rows, self.most_tokens  #: what a step may hold now
        self.shrunk = 0  #: how often memory has run out
        self._good = 0

    def shrink(self, rows: int) -> bool:
        """Halve rows and tokens after a step of `rows` ran out of memory. False if they cannot be fewer."""
        least = min(LEAST_TOKENS, self.most_tokens)
        if rows <= 1 and self.tokens <= least:
            return False
        self.rows, self.tokens = max(1, rows // 2), max(least, self.tokens // 2)
        self.shrunk += 1
        self._good = 0
        return True

    def pass_step(self) -> None:
        """Record that a step went well. After many of them, twice as much is allowed."""
        self._good += 1
        if self._good >= PATIENCE:
            self.rows, self.tokens = min(self.most_rows, 2 * self.rows), min(self.most_tokens, 2 * self.tokens)
            self._good = 0
