"""A candidate: a whole plan as steps, the parts it was built from, and how likely it is. Knows no request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from specialists.planning.parts.beliefs import Condition, Tally
from specialists.planning.parts.core import ALONE, OF, Core
from specialists.planning.parts.end import End
from specialists.schemas import Json


@dataclass
class Candidate:
    score: float
    steps: list[Json]
    conditions: tuple[tuple[str, Condition], ...] = ()  #: (step id, the condition of that step)
    core: Core | None = None
    ends: tuple[End, ...] = ()
    parts: float = 0.0  #: logarithm of the probability of its values and fields
    wants: float = 0.0  #: logarithm of the probability of the things it does beyond its job types


def wants_used(core: Core, ends: Sequence[End]) -> set[str]:
    """The things that a plan does beyond its job types, named as in `texts.WANTS`."""
    used = {want for end in ends for want in _of_end(end)}
    return used | set(_of_core(core)) | ({"ends"} if len(ends) > 1 else set())


def _of_end(end: End) -> Iterator[str]:
    if end.condition:
        yield "filter"
        if end.condition.operator not in ("equals", "any_of", "contains"):
            yield "number"
        if end.condition.negate:
            yield "negate"
    if end.elements:
        yield "flatten"
    if end.then:
        yield "then"
    if end.tally:
        yield from _of_tally(end.tally)
    elif len(end.shown) > 1 and not end.condition:
        yield "pair"


def _of_tally(tally: Tally) -> Iterator[str]:
    yield tally.function
    options = dict(tally.options)
    if options.get("descending") or (tally.function == "top" and not options.get("smallest")):
        yield "descending"


def _of_core(core: Core) -> Iterator[str]:
    if not core.applications:
        yield "untyped"
        return
    frames = {application.name: application.frame for application in core.applications}
    if any(application.feeds for application in core.applications):
        yield "chain"
    if any(OF in frame and frames.get(frame.partition(OF)[0], ALONE) != ALONE for frame in frames.values()):
        yield "flatten"
    if all(frame == ALONE for frame in frames.values()):
        yield "single"
    if any(argument.literal is not None for each in core.applications for _, argument in each.arguments):
        yield "literal"
