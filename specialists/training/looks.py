"""When a run looks at the development set, and at how much of it. Knows no model, and no clock.

Looks must not take most of a short run. What a look costs is counted in tokens, as time is spent on them, so that the
same run looks at the same steps on every machine, and after it was interrupted.
"""

from __future__ import annotations

import math

#: The number of examples of a look: all of 480 took a third of a run's time on two cores (log, 2026-11-28).
LOOKED = 200
FEWEST = 32  #: fewer examples say too little
SHARE = 0.15  #: of a run's time so far that its looks may have taken
#: The time for a token that is looked at, as a share of the time for one that is learned from: there is no way back.
COST = 0.5


def look_examples(learned: int) -> int:
    """The examples of a look, in a run that learns from so many: few enough for the last look, which always happens."""
    return max(FEWEST, min(LOOKED, math.floor(SHARE / (1 - SHARE) / COST * learned)))


class Looks:
    """Looks at equal distances, each as soon as the run can afford it, and one at the end."""

    def __init__(self, total: int, count: int, tokens: int) -> None:
        """`total`: steps of the run; `count`: looks at most; `tokens`: those of one look, 0 for no development set."""
        self._total = total
        self._distance = max(1, total // count)
        self._price = COST * tokens
        self._learned = 0  #: tokens
        self._paid = 0.0  #: in tokens that are learned from
        self._last = 0  #: step of the last look

    def due(self, step: int, tokens: int) -> bool:
        """Whether the run looks behind step `step`, the first of which is 1, in which it learned from `tokens`."""
        self._learned += tokens
        is_due = self._price > 0 and (step == self._total or self._is_time(step))
        if is_due:
            self._paid += self._price
            self._last = step
        return is_due

    def _is_time(self, step: int) -> bool:
        after = self._paid + self._price
        return step - self._last >= self._distance and after <= SHARE * (self._learned + after)
