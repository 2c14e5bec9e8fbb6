"""The search for plans: builds whole, well-typed plans from the probabilities of parts, the likeliest first.

A plan applies job types in frames (once, or for each item of a list), may chain them so that one takes another's
output, and ends by showing, selecting, counting or ordering outputs or giving them to a further job type. It knows no
model: `Beliefs` has numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from specialists.planning.drafts.writer import Writer
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.parts.candidate import Candidate
from specialists.planning.parts.core import Core
from specialists.planning.parts.likelihood import WEIGHTS
from specialists.planning.search.applications import frames_of
from specialists.planning.search.arguments import arguments_of
from specialists.planning.search.cores import Cores
from specialists.planning.search.endings import Ending, Endings
from specialists.planning.search.scope import Scope

UNLIKELY = 0.15  #: a source less likely than this is probably not meant


class _Whole(NamedTuple):
    """A core with an ending: a plan whose steps are not written yet."""

    core: Core
    ending: Ending

    @property
    def score(self) -> float:
        parts, wants, _ = self.ending
        return self.core.score + WEIGHTS.parts * parts + WEIGHTS.wants * wants


def search(request: Request, beliefs: Beliefs, most: int = 24) -> list[Candidate]:
    """Return up to `most` different plans, the likeliest first; the list is empty if nothing on offer can be bound."""
    scope = Scope(request, beliefs)
    found: list[Candidate] = []
    seen: set[str] = set()
    for whole in sorted(_wholes(scope), key=lambda each: -each.score):
        candidate = _written(scope, whole)
        key = repr([{k: v for k, v in step.items() if k != "id"} for step in candidate.steps])
        if candidate.steps and key not in seen:
            seen.add(key)
            found.append(candidate)
        if len(found) >= most:
            break
    return found


def missing(request: Request, beliefs: Beliefs, name: str) -> list[str]:
    """The required parameters of the job type `name` for which no likely source exists."""
    scope, offer = Scope(request, beliefs), request.by_name[name]
    best: dict[str, float] = {}
    for frame in frames_of(scope, offer):
        for parameter in offer.required:
            p = max((p for _, p in arguments_of(scope, offer, parameter, frame)), default=0.0)
            best[parameter.name] = max(best.get(parameter.name, 0.0), p)
    return [name for name, p in best.items() if p < UNLIKELY]


def _wholes(scope: Scope) -> Iterator[_Whole]:
    endings = Endings(scope)
    for core in Cores(scope).likeliest():
        for ending in endings.of(core):
            yield _Whole(core, ending)


def _written(scope: Scope, whole: _Whole) -> Candidate:
    candidate = Writer(scope.request, whole.core, scope.given).write(whole.ending.ends, whole.score)
    candidate.parts, candidate.wants = whole.ending.parts, whole.ending.wants
    return candidate
