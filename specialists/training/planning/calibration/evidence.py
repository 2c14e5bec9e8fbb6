"""Evidence: fits the weights of `specialists.planning.evidence` on goals held out. Knows no encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Weights
from specialists.planning.evidence.weighing import among, believed, want_evidence
from specialists.planning.normal.form import Normal
from specialists.planning.normal.normal import normal
from specialists.planning.normal.wants import wants_of
from specialists.planning.offers.request import Request
from specialists.planning.reading.reading import Reading
from specialists.planning.words.texts import WANTS
from specialists.training.planning.calibration.logistic import logistic
from specialists.training.planning.calibration.truth import Row, part_rows, type_rows
from specialists.training.planning.sets.sets import Asked

#: These pull weights to 0: for parts, of which there are many rows, and for wants, of which there are few.
RIDGE, WANTS_RIDGE = 2.0, 6.0
#: A want that fewer goals have, or fewer goals lack, gets no model and keeps its own score.
LEAST_WANTED = 4


class Known(NamedTuple):
    """A goal with its right plan."""

    asked: Asked
    request: Request  #: shortlisted
    plan: Normal | None  #: None if nothing on offer does it

    @property
    def wants(self) -> Mapping[str, bool]:
        if self.plan is None:
            return dict.fromkeys(WANTS, False) | {"impossible": True}
        return wants_of(self.plan, self.asked.plans[0])


def known(reading: Reading, asked: Sequence[Asked]) -> list[Known]:
    found = []
    for each in asked:
        request = reading.shortlisted(each.request)
        found.append(Known(each, request, normal(each.plans[0], request) if each.is_possible else None))
    return found


def fit_evidence(reading: Reading, goals: Sequence[Known]) -> tuple[dict[str, Weights], list[Known]]:
    """Fit a model for each kind of part: job types first, then the parts found for the likeliest of them.

    It also returns the goals as they are read from then on, with the owners' answers about their words.
    """
    possible = [(each, plan) for each in goals if (plan := each.plan) is not None]
    types = {id(each): reading.begun(each.request).types for each, _ in possible}
    models: dict[str, Weights] = {}
    _fit(models, "type", [row for each, plan in possible for row in type_rows(plan, types[id(each)])])
    _fit(models, "among", [r for each, plan in possible for r in type_rows(plan, among(types[id(each)], models))])
    goals = [each._replace(request=_hearing(reading, each, models)) for each in goals]
    found = [(each, reading.found(each.request, models)) for each in goals]
    rows: dict[str, list[Row]] = {}
    for each, parts in found:
        if each.plan is not None:
            for kind, row in part_rows(each.request, each.plan, parts):
                rows.setdefault(kind, []).append(row)
    for kind, own in rows.items():
        _fit(models, kind, own)
    return models | _wants(models, found), goals


def _hearing(reading: Reading, known: Known, models: Mapping[str, Weights]) -> Request:
    return known.asked.hearsay.hearing(known.request, reading.asks(known.request, models))


def _fit(models: dict[str, Weights], kind: str, rows: Sequence[Row]) -> None:
    evidence, truth = [row[0] for row in rows], [row[1] for row in rows]
    if len(set(truth)) == 2:
        models[kind] = logistic(evidence, truth, RIDGE, scaled=True)


def _wants(models: Mapping[str, Weights], found: Sequence[tuple[Known, Found]]) -> dict[str, Weights]:
    told: list[tuple[Known, dict[str, Any], Mapping[str, bool]]] = []
    for each, parts in found:
        plain = believed(each.request, parts, models)  # at this point no model of a want is fitted
        told.append((each, want_evidence(each.request, plain, parts.pieces), each.wants))
    fitted: dict[str, Weights] = {}
    for name in WANTS:
        # An impossible goal has no written plan, so it counts only for the want `impossible`.
        kept = [(e[name], w[name]) for each, e, w in told if name == "impossible" or each.plan is not None]
        truth = [is_wanted for _, is_wanted in kept]
        if LEAST_WANTED <= sum(truth) <= len(truth) - LEAST_WANTED:
            fitted[f"wants.{name}"] = logistic([e for e, _ in kept], truth, WANTS_RIDGE, scaled=True)
    return fitted
