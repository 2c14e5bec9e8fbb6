"""Random calibrations: every number counts for or against a part by a random weight. Knows no model."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Evidence
from specialists.planning.evidence.weighing import among, believed, want_evidence
from specialists.planning.offers.request import Request
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.first_plan import FEATURES
from specialists.planning.ranking.ranking import AS_FOUND, ranked
from specialists.planning.reading.reading import Reading
from specialists.planning.search.search import search

SPREAD = 0.4  #: standard deviation of a weight


def made_calibration(rng: random.Random, reading: Reading, request: Request) -> Calibration:
    """Make weights for all evidence about that request; the thresholds stay at their defaults."""
    found = reading.found(request, {})
    return Calibration(
        right=_weights(rng, ["", *FEATURES]),
        feasible=_weights(rng, ["", *FEATURES]),
        order=_weights(rng, _of_a_plan(request, found)),
        evidence={kind: _weights(rng, ["", *told]) for kind, told in _told(request, found)},
    )


def _told(request: Request, found: Found) -> Iterator[tuple[str, Evidence]]:
    """Yield one piece of evidence of each kind, for the names of its numbers."""
    yield from (("type", each) for each in [*found.types.values()][:1])
    yield from (("among", each) for each in [*among(found.types, {}).values()][:1])
    yield from (("bind", each) for each in [*found.binds.values()][:1])
    yield from (("condition", each) for _, each in found.conditions[:1])
    yield from (("tally", each) for _, each in found.tallies[:1])
    yield from (("literal", each) for *_, each in found.literals[:1])
    for name, each in want_evidence(request, believed(request, found, {}), found.pieces).items():
        yield f"wants.{name}", each


def _of_a_plan(request: Request, found: Found) -> Iterable[str]:
    beliefs = believed(request, found, {})
    plans = ranked(request, beliefs, search(request, beliefs, 1), AS_FOUND)
    return plans[0].features if plans else ()


def _weights(rng: random.Random, names: Iterable[str]) -> dict[str, float]:
    return {name: rng.gauss(0, SPREAD) for name in names}
