"""A core: job types applied, each with its arguments and what feeds it. Knows nothing of what becomes of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specialists.planning.offers.offer import Offer
from specialists.planning.parts.likelihood import WEIGHTS
from specialists.planning.parts.place import Place

ALONE = "\0alone"  #: the frame of what is done once
OF = "\1"  #: in a frame: between a job type and the path of a list that it gives
AGAIN = "\0again"  #: behind the name of a job type that is applied a second time


@dataclass(frozen=True)
class Argument:
    """Where a parameter's value is from: one of the three."""

    place: Place | None = None  #: of an input, or (owner a job type's name) of what that gives
    literal: Any = None
    alone: bool = False  #: `place` is not of the frame's element: the same for all


@dataclass(frozen=True)
class Application:
    offer: Offer
    frame: str  #: an input's name, `name.path` of a list inside it, `type:path` of a list that a type gives, or ALONE
    arguments: tuple[tuple[str, Argument], ...]
    feeds: tuple[str, ...]  #: job types whose outputs it takes
    score: float
    again: bool = False  #: the same job type is applied elsewhere too

    @property
    def name(self) -> str:
        """Among the applications of a core."""
        return self.offer.name + AGAIN if self.again else self.offer.name


@dataclass(frozen=True)
class Core:
    """Job types applied, each with what feeds it, in an order in which they can run."""

    applications: tuple[Application, ...]
    shown: tuple[str, ...]  #: whose outputs are the answer, where nothing else is asked
    types: float  #: logarithm of the probability of just these job types
    bind: float = 0.0  #: ... of where their arguments are from
    odd: float = 0.0  #: what unusual forms cost

    @property
    def score(self) -> float:
        return WEIGHTS.types * self.types + WEIGHTS.bind * self.bind + self.odd


def in_order(applications: Mapping[str, Application]) -> list[Application] | None:
    """Feeders first; None: they feed each other."""
    left, ordered = dict(applications), []
    while left:
        free = [a for a in left.values() if not any(name in left for name in a.feeds)]
        if not free:
            return None
        ordered += free
        for application in free:
            del left[application.name]
    return ordered


def uses_item(application: Application, applications: Mapping[str, Application]) -> bool:
    """Whether what goes over a list takes anything from its items."""
    if application.frame == ALONE:
        return True
    over = application.frame.partition(OF)[0]
    for _, argument in application.arguments:
        if argument.place and not argument.alone:
            feeder = applications.get(argument.place.owner)
            if feeder is None or feeder.frame != ALONE or feeder.name == over:
                return True
    return False
