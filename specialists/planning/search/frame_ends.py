"""Frame ends: the ends that the rows of one frame may have, and how likely each end's values and fields are meant.

It knows no other frame, and nothing else that the goal wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from specialists.planning.offers.offer import Offer
from specialists.planning.parts.beliefs import NUMBERS, NUMERIC, Condition, Tally
from specialists.planning.parts.core import AGAIN, ALONE, Core
from specialists.planning.parts.end import End, renamed
from specialists.planning.parts.likelihood import FLOOR, log_of
from specialists.planning.search.scope import Scope

SELECTED, NEGATED = 8, 4  #: how many conditions are tried, and how many of them are also tried negated
NEGATES = 0.1  #: how likely the goal must select the items that do not match before negation is tried

Ends = Iterator[tuple[float, End]]
Tallies = Sequence[tuple[Tally, float]]  #: each with the logarithm of its probability relative to the best


@dataclass(frozen=True)
class Frame:
    """The contents of one frame of a core."""

    name: str
    shown: tuple[str, ...]  #: job types whose outputs are to be shown
    here: frozenset[str]  #: job types that are applied in it
    listed: frozenset[str]  #: job types applied in it that give a list, or that it applies to each item of one
    fed: frozenset[str]  #: job types of the core that feed others

    @classmethod
    def of(cls, core: Core, name: str, shown: tuple[str, ...]) -> Frame:
        applied = [each for each in core.applications if each.frame == name]
        listed = frozenset(each.name for each in applied if name != ALONE or _has_list(each.offer))
        fed = frozenset(feeder for each in core.applications for feeder in each.feeds)
        return cls(name, shown, frozenset(each.name for each in applied), listed, fed)

    @property
    def is_alone(self) -> bool:
        return self.name == ALONE

    def without(self, name: str) -> tuple[str, ...]:
        """The shown job types, except one."""
        return tuple(each for each in self.shown if each != name)


class FrameEnds:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def of(self, core: Core, frame: str, shown: tuple[str, ...] = ()) -> Ends:
        if len(shown) == 1 and shown[0].endswith(AGAIN):
            yield from self._of_second(core, frame, shown[0])
            return
        yield from self._of_frame(Frame.of(core, frame, shown))

    def _of_second(self, core: Core, frame: str, shown: str) -> Ends:
        """Yield the ends for a job type's second application: those of the first, under the second one's name."""
        first = shown.removesuffix(AGAIN)
        turned = replace(core, applications=tuple(replace(a, again=not a.again) for a in core.applications))
        for score, end in self.of(turned, frame, (first,)):
            yield score, renamed(end, first, shown)

    def _of_frame(self, frame: Frame) -> Ends:
        if frame.shown:
            yield 0.0, End(frame.shown)
        tallies = self._tallies(frame)
        for tally, part in tallies:
            yield part, End(frame.shown, tally=tally)
        if frame.is_alone and not frame.listed:
            return
        conditions = self._conditions(frame)
        for condition, base in zip(conditions, _beside_best(conditions), strict=True):
            yield from self._selections(frame, condition, base, tallies)

    def _owners(self, frame: Frame) -> frozenset[str]:
        """The owners whose fields may be selected by and counted."""
        return frame.listed | ({frame.name} if frame.name in self._scope.given else frozenset())

    def _tallies(self, frame: Frame) -> Tallies:
        owners = self._owners(frame)
        found = [
            tally
            for tally in self._scope.beliefs.tallies
            if tally.owner in owners
            and tally.function in self._scope.functions
            and (not frame.is_alone or tally.field.lists)
            and _adds_up(tally)
        ]
        return list(zip(found, _beside_best(found), strict=True))

    def _conditions(self, frame: Frame) -> list[Condition]:
        if "filter" not in self._scope.functions:
            return []
        owners = self._owners(frame)
        found = [each for each in self._scope.beliefs.conditions if each.owner in owners][:SELECTED]
        if self._scope.wants("negate") > NEGATES:
            found += [replace(each, negate=True) for each in found[:NEGATED]]
        return [each for each in found if not frame.is_alone or each.field.lists]

    def _selections(self, frame: Frame, condition: Condition, base: float, tallies: Tallies) -> Ends:
        """Ends that select by `condition`; `base`: the logarithm of its probability."""
        yield base, End(frame.shown, condition)
        is_inside = len(condition.field.lists) == 1 and condition.owner in frame.here
        if not frame.is_alone and is_inside and "flatten" in self._scope.functions:
            yield base, End(frame.without(condition.owner), condition, elements=True)
        for tally, part in tallies:
            if not frame.is_alone or _is_of_same_list(tally, condition):
                yield base + part, End(frame.shown, condition, tally=tally)
        yield from _then(frame, condition, base, tallies)


def _then(frame: Frame, condition: Condition, base: float, tallies: Tallies) -> Ends:
    """Yield ends in which one job type is applied only to the selected items."""
    if frame.is_alone or len(frame.here) < 2:
        return
    for name in frame.shown:
        if name == condition.owner or name in frame.fed:
            continue
        rest = frame.without(name)
        yield base, End(rest, condition, then=(name,))
        for tally, part in tallies:
            if tally.owner == name:
                yield base + part, End(rest, condition, (name,), tally)


def _beside_best(parts: Sequence[Condition] | Sequence[Tally]) -> list[float]:
    """The logarithm of each part's probability relative to the likeliest part that could take its place.

    The wants of a goal decide whether it selects at all, so many values that share the probability must not count
    against selecting.
    """
    names = [part.function if isinstance(part, Tally) else "filter" for part in parts]
    likely = [part.probability for part in parts]
    best: dict[str, float] = {}
    for name, p in zip(names, likely, strict=True):
        best[name] = max(best.get(name, FLOOR), p)
    return [log_of(p / best[name]) for name, p in zip(names, likely, strict=True)]


def _is_of_same_list(tally: Tally, condition: Condition) -> bool:
    return (tally.owner, tally.field.lists) == (condition.owner, condition.field.lists)


def _adds_up(tally: Tally) -> bool:
    """Whether the function may take the field; a function of numbers takes no labels that are not numbers."""
    is_label = bool(tally.field.labels) or "enum" in tally.field.schema or tally.field.kind == "boolean"
    return tally.function not in NUMERIC or tally.field.kind in NUMBERS or not is_label


def _has_list(offer: Offer) -> bool:
    return any(each.kind == "array" for each in offer.fields)
