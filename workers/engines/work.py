"""What an engine has done since it started. Knows no engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Work:
    steps: int = 0
    step_s: float = 0.0
    rows: int = 0

    def add(self, seconds: float, rows: int) -> None:
        self.steps += 1
        self.step_s += seconds
        self.rows += rows
