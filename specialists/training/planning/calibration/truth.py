"""Truth: which of the parts found about a goal its right plan has. Knows no model and no weights."""

from __future__ import annotations

from collections.abc import Iterator

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Evidence
from specialists.planning.normal.form import Normal
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import INPUTS
from specialists.training.planning.cases.parts import conditions_of, literals, ordered, plain
from specialists.training.planning.cases.sources import bound

Row = tuple[Evidence, bool]


def type_rows(plan: Normal, types: dict[str, Evidence]) -> Iterator[Row]:
    for name, evidence in types.items():
        yield evidence, name in plan.types


def part_rows(request: Request, plan: Normal, found: Found) -> Iterator[tuple[str, Row]]:
    """Yield (kind, row) for each part that was found; sources and literals of unused job types are skipped."""
    right = {(each.offer.name, each.parameter.name, each.key) for each in bound(request, plan)}
    for key, evidence in found.binds.items():
        if key[0] in plan.types:
            yield "bind", (evidence, key in right)
    operations = ordered(plan)
    conditions = {
        (operation.source, operation.field, operator, plain(value))
        for operation in operations
        for operator, value in conditions_of(operation)
    }
    for condition, evidence in found.conditions:
        said = (condition.owner.removeprefix(INPUTS), condition.field.path, condition.operator, plain(condition.value))
        yield "condition", (evidence, said in conditions)
    tallies = {(operation.function, operation.source, operation.field) for operation in operations}
    for tally, evidence in found.tallies:
        yield "tally", (evidence, (tally.function, tally.owner.removeprefix(INPUTS), tally.field.path) in tallies)
    said_by_plan = {(offer.name, parameter.name, plain(value)) for offer, parameter, value in literals(request, plan)}
    for (name, parameter), value, evidence in found.literals:
        if name in plan.types:
            yield "literal", (evidence, (name, parameter, plain(value)) in said_by_plan)
