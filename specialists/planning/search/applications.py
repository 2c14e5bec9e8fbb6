"""Applications: the likeliest ways to apply one job type, each in a frame and with arguments. Knows no second job type.

A job type is applied in a frame: once, over an input list, or over a list in another job type's output.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.parts.beliefs import INPUTS, owner_of
from specialists.planning.parts.core import ALONE, OF, Application, Argument
from specialists.planning.parts.likelihood import log_of
from specialists.planning.parts.place import Place
from specialists.planning.search.arguments import arguments_of
from specialists.planning.search.scope import Scope

WAYS, WAYS_IN_FRAME = 3, 2  #: how many ways to apply a job type are kept, over all frames and in each frame
SOURCES = 3  #: how many sources of each parameter are tried
PICKS = 256  #: how many ways to fill a job type's parameters are tried in each frame
MAY_BE_MEANT = 0.15  #: a source of an optional parameter counts if it is likelier than this
NOTHING_FITS = 0.05  #: how likely an optional parameter is meant if no source counts
SAME_TWICE = 1.5  #: the cost of giving two parameters the same value

Option = tuple[str, Argument | None, float]  #: a parameter, its argument (None if it is left out), how likely


class Applications:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: dict[str, list[Application]] = {}

    def of(self, offer: Offer) -> list[Application]:
        """The likeliest ways to apply `offer`, over all frames."""
        if offer.name not in self._known:
            found = [way for frame in frames_of(self._scope, offer) for way in self._in_frame(offer, frame)]
            self._known[offer.name] = heapq.nlargest(WAYS, found, key=lambda way: way.score)
        return self._known[offer.name]

    def _in_frame(self, offer: Offer, frame: str) -> list[Application]:
        options: list[list[Option]] = []
        for parameter in offer.parameters:
            if not (found := self._options(offer, parameter, frame)):
                return []
            options.append(found)
        ways = (_application(offer, frame, picked) for picked in _likeliest(options))
        return heapq.nlargest(WAYS_IN_FRAME, filter(None, ways), key=lambda way: way.score)

    def _options(self, offer: Offer, parameter: Parameter, frame: str) -> list[Option]:
        """The choices for one parameter; the list is empty if the parameter is required and has no source."""
        found = arguments_of(self._scope, offer, parameter, frame)
        best: list[tuple[Argument | None, float]] = [*heapq.nlargest(SOURCES, found, key=lambda each: each[1])]
        if not parameter.required:
            best = [(argument, p) for argument, p in best if p > MAY_BE_MEANT]
            best.append((None, 1 - max((p for _, p in best), default=NOTHING_FITS)))
        return [(parameter.name, argument, p) for argument, p in best]


def frames_of(scope: Scope, offer: Offer) -> Iterator[str]:
    """Yield the frames for `offer`: once, each input list, and each list that another likely job type gives."""
    yield ALONE
    for given in scope.request.given:
        yield from _frames_of_input(given)
    for other in scope.likely:
        if other is not offer:
            for field in other.fields:
                if field.kind == "array" and not field.lists:
                    yield f"{other.name}{OF}{field.path}"


def _frames_of_input(given: Given) -> Iterator[str]:
    if given.kind == "array":
        yield owner_of(given)
    for field in given.fields:
        if field.kind == "array" and not field.lists and given.kind == "object":
            yield f"{owner_of(given)}.{field.path}"


def _application(offer: Offer, frame: str, picked: Sequence[Option]) -> Application | None:
    """Return None if arguments and frame do not fit: only in a list's frame, an argument comes from the items."""
    arguments = tuple((name, argument) for name, argument, _ in picked if argument is not None)
    places = [argument.place for _, argument in arguments if argument.place]
    takes_item = any(argument.place and not argument.alone for _, argument in arguments)
    if takes_item == (frame == ALONE):
        return None
    score = sum(log_of(p) for _, _, p in picked)
    score -= SAME_TWICE * (len(places) - len(set(places)))
    return Application(offer, frame, arguments, _feeds(frame, places), score)


def _feeds(frame: str, places: Iterable[Place]) -> tuple[str, ...]:
    """The job types whose outputs are arguments or the list that the frame goes over."""
    owners = [place.owner for place in places] + ([frame.partition(OF)[0]] if OF in frame else [])
    return tuple(dict.fromkeys(owner for owner in owners if not owner.startswith(INPUTS)))


def _likeliest(options: Sequence[Sequence[Option]]) -> list[tuple[Option, ...]]:
    """Pick one option for each parameter, and return the likeliest `PICKS` of all such picks."""
    found: list[tuple[float, tuple[Option, ...]]] = [(0.0, ())]
    for each in options:
        grown = ((score + log_of(pick[2]), (*picked, pick)) for score, picked in found for pick in each)
        found = heapq.nlargest(PICKS, grown, key=lambda way: way[0])
    return [picked for _, picked in found]
