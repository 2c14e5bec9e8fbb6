"""Reading: collects what scorers and words say of each part of a goal's plan. Knows models as `Reader` alone.

Choosing scores each job type against the goal. Grounding scores each value and field against the goal. Binding scores
each source against a parameter's need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Weights, sigmoid
from specialists.planning.evidence.owners import Ask, asks_of
from specialists.planning.evidence.weighing import types_of
from specialists.planning.offers.names import spoken
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import LEAST_LIKELY, TYPES_AT_MOST
from specialists.planning.reading.binds import Binds
from specialists.planning.reading.job_types import PIECE, of_pieces, types_of_goal
from specialists.planning.reading.parts import add_parts
from specialists.planning.reading.reader import Reader
from specialists.planning.reading.shape import shape_of
from specialists.planning.words.spans import windows
from specialists.planning.words.texts import WANTS

SHORTLIST = 16  #: how many offers the scorer reads


class Reading:
    """Reads goals, and keeps the scores of catalogs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._binds = Binds(reader)
        #: The last goal's findings: owners are asked about a goal first, and then it is planned.
        self._begun: tuple[Request, Found] | None = None

    def similar(self, left: Sequence[str], right: Sequence[str]) -> Sequence[Sequence[float]]:
        """Cosine similarities by the base model's own embeddings: one row for each text of `left`."""
        return self._reader.similar(left, right)

    def shortlisted(self, request: Request) -> Request:
        """Keep the nearest `SHORTLIST` of the offers that are chosen by meaning, and those that the goal names."""
        offers = request.chosen_from
        if len(offers) <= SHORTLIST:
            return request
        pieces = windows(request.goal, PIECE)
        rows = self._reader.similar([offer.words for offer in offers], [request.words, *pieces])
        best = {offer.name: row[0] + max(row) for offer, row in zip(offers, rows, strict=True)}
        kept = set(sorted(best, key=lambda name: -best[name])[:SHORTLIST])
        named = {offer.name for offer in offers if spoken(offer.name).casefold() in request.goal.casefold()}
        return replace(request, offers=tuple(o for o in request.offers if o not in offers or o.name in kept | named))

    def found(self, request: Request, models: Mapping[str, Weights]) -> Found:
        """`models`: weigh the evidence for job types; the likeliest are looked at closely."""
        found = self.begun(request)
        types = types_of(found.types, models)
        likely = sorted(request.chosen_from, key=lambda offer: -types[offer.name])[:TYPES_AT_MOST]
        likely = [offer for offer in likely if types[offer.name] > LEAST_LIKELY] or likely[:2]
        kept = {offer.name for offer in likely}
        found.binds = {key: each for key, each in found.binds.items() if key[0] in kept}
        add_parts(found, self._reader, request, likely, types, models)
        return found

    def asks(self, request: Request, models: Mapping[str, Weights]) -> list[Ask]:
        """The questions that owners of labels should be asked before the goal is planned."""
        begun = self.begun(request)
        return asks_of(request, types_of(begun.types, models), sigmoid(begun.wants["filter"]), self._reader.similar)

    def begun(self, request: Request) -> Found:
        """The first findings: wants, job types, and the sources of all their parameters."""
        if self._begun is None or self._begun[0] is not request:
            self._begun = request, self._begin(request)
        return replace(self._begun[1])  # a copy, since the caller replaces its parts

    def _begin(self, request: Request) -> Found:
        whole = self._reader.of_goal(request.goal, request.words, shape_of(request))
        parts = of_pieces(self._reader, request)
        binds = dict(self._binds.of(request))
        types = types_of_goal(self._reader, request, whole, parts, binds)
        pieces = {name: parts.get(name, whole[name]) for name in WANTS}
        return Found({name: whole[name] for name in WANTS}, types, binds, pieces=pieces)
