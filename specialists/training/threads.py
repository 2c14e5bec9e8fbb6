"""How many threads to train with: measured in the first steps, as other programs may need the cores. Knows no model."""

from __future__ import annotations

import os
from collections.abc import Callable

WORTH_STEPS = 50  #: a run of fewer gains less than it loses by trying
STEPS = 3  #: with each number of threads; the first of them is not counted


class ThreadChoice:
    """Tries fewer and fewer threads, a few steps each, and stays with the number that was fastest.

    Threads of one computation wait for each other: beside a program that uses a core, one fewer is several times as
    fast as one for each core (17 tokens/s with two threads and 150 with one, on two cores of which one was taken).
    """

    def __init__(self, use: Callable[[int], object], say: Callable[[str], None], cores: int | None = None) -> None:
        """`use` sets the number of threads. `cores`: that this process may use; None: as the system says."""
        cores = cores or len(os.sched_getaffinity(0))
        self._left = sorted({cores, max(1, cores - 1), max(1, cores // 2)}, reverse=True)
        self._use = use
        self._say = say
        self._speeds: dict[int, float] = {}  #: tokens a second by number of threads
        self._tokens, self._seconds, self._steps = 0, 0.0, 0
        if len(self._left) > 1:
            use(self._left[0])
        else:
            self._left = []

    def saw(self, tokens: int, seconds: float) -> None:
        """A step over so many tokens took so long."""
        if not self._left:
            return
        self._steps += 1
        if self._steps > 1:
            self._tokens, self._seconds = self._tokens + tokens, self._seconds + seconds
        if self._steps == STEPS:
            self._next()

    def _next(self) -> None:
        self._speeds[self._left.pop(0)] = self._tokens / max(self._seconds, 1e-9)
        self._tokens, self._seconds, self._steps = 0, 0.0, 0
        if self._left:
            self._use(self._left[0])
            return
        best = max(self._speeds, key=lambda count: (self._speeds[count], count))
        self._use(best)
        told = ", ".join(f"{count}: {speed:.0f} tokens/s" for count, speed in self._speeds.items())
        self._say(f"trains with {best} thread{'s' if best > 1 else ''} ({told}); --threads sets another number")
