"""Clocks whose time passes when a test says so. They are given to what asks for milliseconds or for seconds."""

from __future__ import annotations

import time

from infra.ledger.memory.store import wall_ms


class Clock:
    """It stands still. `clock()` is its time in milliseconds, `clock.now_s()` and `clock.s` are the same in seconds."""

    def __init__(self, start_s: float | None = None) -> None:
        """Without `start_s` it shows the time of now."""
        self.s = wall_ms() / 1000 if start_s is None else start_s

    def __call__(self) -> int:
        return round(1000 * self.now_s())

    def now_s(self) -> float:
        return self.s

    def passes(self, ms: int) -> None:
        self.s += ms / 1000


class RunningClock(Clock):
    """It goes on as the wall clock does, ahead of it by all that has passed."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def now_s(self) -> float:
        return time.time() + self.s
