"""Binds: how well each source fits each parameter of the job types on offer. Knows no goal; it reads the inputs alone.

Scores for a catalog are kept for the next goal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from specialists.planning.evidence.found import Source
from specialists.planning.evidence.logistic import Evidence, behind_best
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.planning.reading.reader import Reader
from specialists.planning.reading.sources import Told, sources_of
from specialists.planning.words import texts

KEPT_BINDS = 100_000


class Wanted(NamedTuple):
    """A parameter, and every source that may give it a value."""

    offer: Offer
    parameter: Parameter
    sources: list[Told]

    @property
    def need(self) -> str:
        return texts.needed(self.offer, self.parameter)


class Binds:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._numbers: dict[tuple[str, str], float] = {}  #: (need, source) -> score

    def of(self, request: Request) -> Iterator[tuple[Source, Evidence]]:
        wanted = [
            Wanted(offer, parameter, list(sources_of(request, offer, parameter)))
            for offer in request.chosen_from
            for parameter in offer.parameters
        ]
        self._read(wanted)
        for each in wanted:
            yield from self._evidence(request, each)

    def _read(self, wanted: Sequence[Wanted]) -> None:
        """Have the scorer read the new texts. If too many scores are kept, all are dropped and those needed are read
        again.
        """
        fresh = [(each.need, self._fresh(each)) for each in wanted]
        asked = [(need, said) for need, said in fresh if said]
        if len(self._numbers) > KEPT_BINDS:
            self._numbers.clear()
            asked = [(each.need, self._fresh(each)) for each in wanted]
        scored = self._reader.read_many(asked, "bind") if asked else []
        for (need, said), scores in zip(asked, scored, strict=True):
            self._numbers |= {(need, text): x for text, x in zip(said, scores, strict=True)}

    def _fresh(self, wanted: Wanted) -> list[str]:
        need = wanted.need
        return [text for _, text, _ in wanted.sources if (need, text) not in self._numbers]

    def _evidence(self, request: Request, wanted: Wanted) -> Iterator[tuple[Source, Evidence]]:
        offer, parameter, sources = wanted
        need = wanted.need
        own = [self._numbers[need, text] for _, text, _ in sources]
        lengths = [_sample_words(request, key) for key, _, _ in sources]
        longest = max(lengths, default=0)
        for (key, _, name), x, behind, length in zip(sources, own, behind_best(own), lengths, strict=True):
            yield (
                (offer.name, parameter.name, key),
                {
                    "own": x,
                    "behind": behind,
                    "only": float(len(sources) == 1),
                    "named": _shared(parameter.name, name),
                    "output": float(key[0] == "out"),
                    "list": float(key[0] == "list"),
                    "field": float(key[0] == "field"),
                    "required": float(parameter.required),
                    "length": math.log1p(length),
                    "longest": float(length > 0 and length == longest),
                    "labels": float(bool(parameter.labels)),
                },
            )


def _sample_words(request: Request, key: tuple[str, ...]) -> int:
    """The number of words in the longest sample text of an input's item or field; 0 for any other source."""
    if key[0] not in ("item", "field"):
        return 0
    given = next(each for each in request.given if each.name == key[1])
    seen = given.seen if key[0] == "item" else given.seen_at(key[2])
    return max((len(text.split()) for text in seen if isinstance(text, str)), default=0)


def _shared(parameter: str, source: str) -> float:
    """The share of words that two names have in common."""
    one, other = ({*spoken(name.rpartition(".")[2]).casefold().split()} for name in (parameter, source))
    return len(one & other) / len(one | other) if one | other else 0.0
