"""Endings: ends for all frames of a core together, and their common score. Knows no steps.

A single frame has one end, or two if the goal wants two results; each of several frames has one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

from specialists.planning.parts.candidate import wants_used
from specialists.planning.parts.core import Core
from specialists.planning.parts.end import End
from specialists.planning.parts.likelihood import WEIGHTS, log_of
from specialists.planning.search.frame_ends import FrameEnds
from specialists.planning.search.scope import Scope

ENDINGS = 28  #: how many endings of one core are kept
TWO_RESULTS = 0.15  #: how likely the goal must want two results before two ends are tried
#: How many ends are combined: of a single frame, of each of several frames, of inputs without a job type.
OF_ONE, OF_EACH, OF_UNTYPED = 6, 5, 4


class Ending(NamedTuple):
    parts: float  #: logarithm of the probability of its values and fields
    wants: float  #: logarithm of the probability of the things it does beyond its job types
    ends: tuple[End, ...]

    @property
    def score(self) -> float:
        return WEIGHTS.parts * self.parts + WEIGHTS.wants * self.wants


Unscored = tuple[tuple[End, ...], float]  #: ends, and the logarithm of the probability of their parts


class Endings:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._frame_ends = FrameEnds(scope)

    def of(self, core: Core) -> list[Ending]:
        """The likeliest endings."""
        if not core.applications:
            lists = self._scope.record_lists
            return self._scored(core, [((end,), p) for name in lists for p, end in self._frame_ends.of(core, name)])
        frames = list(dict.fromkeys(a.frame for a in core.applications if a.name in core.shown))
        ends = self._of_frames([self._of_frame(core, frame) for frame in frames])
        if self._wants_two:
            ends += [
                ((*one, other), a + b) for one, a in ends[:OF_ONE] for b, other in self._untyped_ends(core, frames)
            ]
        return self._scored(core, ends)

    @property
    def _wants_two(self) -> bool:
        return self._scope.wants("ends") > TWO_RESULTS

    def _of_frame(self, core: Core, frame: str) -> list[tuple[float, End]]:
        shown = tuple(a.name for a in core.applications if a.name in core.shown and a.frame == frame)
        here = self._scored(core, [((end,), parts) for parts, end in self._frame_ends.of(core, frame, shown)])
        return [(ending.parts, ending.ends[0]) for ending in here]

    def _of_frames(self, single: Sequence[Sequence[tuple[float, End]]]) -> list[Unscored]:
        """`single`: the ends of each frame by itself."""
        if len(single) == 1:
            (here,) = single
            return [*(((end,), score) for score, end in here), *(self._pairs(here) if self._wants_two else ())]
        picks = product(*(each[:OF_EACH] for each in single))
        return [(tuple(end for _, end in picked), sum(score for score, _ in picked)) for picked in picks]

    def _pairs(self, here: Sequence[tuple[float, End]]) -> Iterator[Unscored]:
        """Yield pairs of a frame's ends in which no end needs a job type that runs after the other's selection."""
        for (a, one), (b, other) in combinations(here[:OF_ONE], 2):
            if not (set(one.then) & other.needs or set(other.then) & one.needs):
                yield (one, other), a + b

    def _untyped_ends(self, core: Core, frames: Sequence[str]) -> list[tuple[float, End]]:
        """The likeliest ends over inputs that no job type goes over."""
        free = [owner for owner in self._scope.record_lists if owner not in frames]
        found = (each for name in free for each in self._frame_ends.of(core, name))
        return heapq.nlargest(OF_UNTYPED, found, key=lambda each: each[0])

    def _scored(self, core: Core, ends: Iterable[Unscored]) -> list[Ending]:
        scored = [Ending(parts, self._wants_score(core, each), each) for each, parts in ends]
        return heapq.nlargest(ENDINGS, scored, key=lambda each: each.score)

    def _wants_score(self, core: Core, ends: Sequence[End]) -> float:
        used = wants_used(core, ends)
        score = 0.0
        for want, p in self._scope.beliefs.wants.items():
            if want != "impossible":
                score += log_of(p) if want in used else log_of(1 - p)
        return score
