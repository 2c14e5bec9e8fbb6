"""How fast the jobs of one type end while others wait. Knows no job and no clock."""

from __future__ import annotations

import math

FADES_MS = 30_000  #: what was measured this long ago counts by 1/e
MEASURED_MS = 500  #: shorter measurements give no speed


class Pace:
    """Sums over the time in which jobs waited. Other time would make an idle worker look like a slow one."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._jobs = 0.0
        self._ms = 0.0
        self._since_ms: int | None = None  # when the last job ended; None: nothing waited after it

    def ended(self, jobs: int, tokens: int, now_ms: int, waits: bool) -> None:
        """Count jobs that ended together. `waits`: whether others of their type wait now."""
        if self._since_ms is not None:
            passed_ms = now_ms - self._since_ms
            left = math.exp(-passed_ms / FADES_MS)
            self._tokens = self._tokens * left + tokens
            self._jobs = self._jobs * left + jobs
            self._ms = self._ms * left + FADES_MS * (1 - left)
        self._since_ms = now_ms if waits else None

    def interrupt(self) -> None:
        """Leave out the time since the last end, because the type was paused, or is."""
        self._since_ms = None

    def tokens_per_s(self, now_ms: int) -> float | None:
        return self._per_s(self._tokens, now_ms)

    def jobs_per_s(self, now_ms: int) -> float | None:
        return self._per_s(self._jobs, now_ms)

    def _per_s(self, count: float, now_ms: int) -> float | None:
        """The speed as if a job that counts nothing ended now, so that a type that stands still becomes slow."""
        if self._ms < MEASURED_MS:
            return None
        passed_ms = 0 if self._since_ms is None else now_ms - self._since_ms
        left = math.exp(-passed_ms / FADES_MS)
        return 1000 * count * left / (self._ms * left + FADES_MS * (1 - left))
