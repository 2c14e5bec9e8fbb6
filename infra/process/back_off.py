"""The wait before a process that keeps ending is started again. Knows no process."""

from __future__ import annotations

LONGEST_BACK_OFF_S = 30.0
#: Of the wait; more of them than it takes to the longest one. A float has room for 1023.
DOUBLINGS = 10


def back_off_s(restarts: int) -> float:
    """Before the next start, after so many in a row that did not last."""
    return min(2.0 ** min(restarts, DOUBLINGS) - 1, LONGEST_BACK_OFF_S)
