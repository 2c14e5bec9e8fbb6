"""A core: applied job types, each with its arguments and its feeders. Knows nothing of the ends of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specialists.planning.offers.offer import Offer
from specialists.planning.parts.likelihood import WEIGHTS
from specialists.planning.parts.place import Place

ALONE = "\0alone"  #: the frame of applications that run once
OF = "\1"  #: in a frame's name, stands between a job type and the path of a list in its output
AGAIN = "\0again"  #: stands behind the name of a job type that is applied a second time


@dataclass(frozen=True)
class Argument:
    """The origin of a parameter's value: a place or a literal."""

    place: Place | None = None  #: a place in an input, or in the output of the job type that is its owner
    literal: Any = None
    alone: bool = False  #: `place` is outside the frame's element, so its value is the same for all


@dataclass(frozen=True)
class Application:
    offer: Offer
    frame: str  #: an input's name, `name.path` of a list inside it, `type:path` of a list that a type gives, or ALONE
    arguments: tuple[tuple[str, Argument], ...]
    feeds: tuple[str, ...]  #: job types whose outputs it takes as arguments
    score: float
    again: bool = False  #: the core applies the same job type a second time, and this is that application

    @property
    def name(self) -> str:
        """Its name among the applications of a core."""
        return self.offer.name + AGAIN if self.again else self.offer.name


@dataclass(frozen=True)
class Core:
    """Applied job types, each with its feeders, in an order in which they can run."""

    applications: tuple[Application, ...]
    shown: tuple[str, ...]  #: the job types whose outputs are the answer if the goal asks for nothing else
    types: float  #: logarithm of the probability of exactly these job types
    bind: float = 0.0  #: logarithm of the probability of its arguments' origins
    odd: float = 0.0  #: the effect of unusual forms on the score; negative

    @property
    def score(self) -> float:
        return WEIGHTS.types * self.types + WEIGHTS.bind * self.bind + self.odd


def in_order(applications: Mapping[str, Application]) -> list[Application] | None:
    """Order the applications so that feeders come first; None if they feed each other in a circle."""
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
    """Whether an application that goes over a list takes any argument from its items."""
    if application.frame == ALONE:
        return True
    over = application.frame.partition(OF)[0]
    for _, argument in application.arguments:
        if argument.place and not argument.alone:
            feeder = applications.get(argument.place.owner)
            if feeder is None or feeder.frame != ALONE or feeder.name == over:
                return True
    return False
