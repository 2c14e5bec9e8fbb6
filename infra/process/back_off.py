"""The wait before a process that keeps ending is started again. Knows no process."""

from __future__ import annotations

LONGEST_BACK_OFF_S = 30.0
#: How often the wait is doubled at most: more often than the longest wait needs. A float allows for 1023 doublings.
DOUBLINGS = 10


def back_off_s(restarts: int) -> float:
    """The wait before the next start; `restarts` counts the starts in a row that did not last."""
    return min(2.0 ** min(restarts, DOUBLINGS) - 1, LONGEST_BACK_OFF_S)
