"""Job types: the evidence for each job type on offer, from the goal's words. Weighs nothing, and knows no plan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from specialists.planning.evidence.found import Source
from specialists.planning.evidence.logistic import Evidence, bounded
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.request import Request
from specialists.planning.reading.reader import Reader
from specialists.planning.reading.shape import shape_of
from specialists.planning.words import texts
from specialists.planning.words.spans import windows

PIECE = 8  #: words of a piece of the goal
UNFIT = -8.0  #: the score of a parameter without any source, and the least score of one that has a source
KNOWN_NUMBER = -4.0  #: the score of a job type that the layer over whole goals does not know

Binds = Mapping[Source, Evidence]


@dataclass(frozen=True)
class Hints:
    """Further evidence for job types beside their own scores, by name."""

    of_goal: Mapping[str, float]  #: the score of the layer over whole goals for the whole goal
    of_pieces: Mapping[str, float]  #: the highest score of that layer for any piece of the goal by itself
    labels: Mapping[str, float]  #: how near the goal's words are to the job type's nearest label
    inputs: Mapping[tuple[str, str], float]  #: the score of each parameter's best source among the inputs
    everything: Mapping[tuple[str, str], float]  #: the score of each parameter's best source among all sources


def types_of_goal(
    reader: Reader, request: Request, of_goal: Mapping[str, float], of_pieces: Mapping[str, float], binds: Binds
) -> dict[str, Evidence]:
    """Evidence for each job type that is chosen by its meaning."""
    offers = request.chosen_from
    if not offers:
        return {}
    own = reader.read(request.words, [offer.words for offer in offers], "type")
    plain = reader.similar([offer.words for offer in offers], [request.words])
    told = [f"{spoken(offer.name)}: {offer.description}" for offer in offers]
    near = reader.similar(told, [request.goal, *windows(request.goal, PIECE)])
    labels = _labels(reader, request)
    hints = Hints(of_goal, of_pieces, labels, _best(binds, outputs=False), _best(binds, outputs=True))
    goal = request.goal.casefold()
    return {
        offer.name: {
            "own": x,
            **_of_layer(offer, x, hints),
            "base": 10 * whole[0],
            "goal": 10 * pieces[0],
            "piece": 10 * max(pieces),
            "named": float(spoken(offer.name).casefold() in goal),
            "label": 10 * hints.labels.get(offer.name, 0.0),
            "labels": math.log1p(sum(len(field.labels) for field in offer.leaves)),
            "fits": _fits(offer, hints.inputs),
            "fed": _fits(offer, hints.everything),
        }
        for offer, x, whole, pieces in zip(offers, own, plain, near, strict=True)
    }


def of_pieces(reader: Reader, request: Request) -> dict[str, float]:
    """The highest score, by name, that the layer over whole goals gives any piece of the goal by itself.

    One piece may ask for one job type, and the next piece for another.
    """
    nothing = [0.0] * len(shape_of(request))
    found: dict[str, float] = {}
    for piece in windows(request.goal, PIECE)[1:]:
        for name, x in reader.of_goal(piece, piece, nothing).items():
            found[name] = max(found.get(name, x), x)
    return found


def _of_layer(offer: Offer, own: float, hints: Hints) -> Evidence:
    """Evidence from the layer over whole goals for a job type, if it knows the job type."""
    name = texts.known(offer)
    known = hints.of_goal.get(name)
    return {
        "is_known": float(known is not None),
        "known": KNOWN_NUMBER if known is None else bounded(known),
        "known_piece": bounded(hints.of_pieces.get(name, KNOWN_NUMBER)),
        "unknown_own": own if known is None else 0.0,
    }


def _labels(reader: Reader, request: Request) -> dict[str, float]:
    """How near the goal's words are to the nearest label of each job type that has labels."""
    said = {
        offer.name: [spoken(label) for field in offer.leaves for label in field.labels] for offer in request.chosen_from
    }
    every = list(dict.fromkeys(label for each in said.values() for label in each))
    if not every:
        return {}
    rows = reader.similar(every, windows(request.goal))
    best = {label: max(row) for label, row in zip(every, rows, strict=True)}
    return {name: max(best[label] for label in each) for name, each in said.items() if each}


def _best(binds: Binds, *, outputs: bool) -> dict[tuple[str, str], float]:
    """(job type, parameter) -> the score of its best source; outputs of job types count only with `outputs`."""
    best: dict[tuple[str, str], float] = {}
    for (name, parameter, key), evidence in binds.items():
        if outputs or key[0] != "out":
            best[name, parameter] = max(best.get((name, parameter), UNFIT), evidence["own"])
    return best


def _fits(offer: Offer, best: Mapping[tuple[str, str], float]) -> float:
    """The score of the worst required parameter's best source."""
    return min((best.get((offer.name, each.name), UNFIT) for each in offer.required), default=0.0)
