"""Stand-ins: outputs in the place of a model's in a rehearsal. Equal inputs have equal ones. Runs no model."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from coordinator.rehearsal.draw import Draw, NoStandIn
from coordinator.rehearsal.values import drawn_value
from infra.records import Json
from specialists.copies import copy_faults
from specialists.schemas import value_faults
from specialists.specialist import Specialist


def stand_in(specialist: Specialist, input: Json, answers: Sequence[Json] = ()) -> Json:
    """An output of `specialist` for `input`: one of `answers` as it is, or else one drawn from its output schema.

    The draw follows from a digest of the job type and the input, so the same question always has the same answer.
    Raises NoStandIn if no output is found; giving `answers` helps then.
    """
    draw = Draw.of(specialist.name, input)
    if answers:
        return copy.deepcopy(draw.one_of(answers))
    where = f"{specialist.name}.output"
    output: Json = drawn_value(specialist.output_schema, draw, input, where)
    faults = value_faults(output, specialist.output_schema, where)
    if faults := faults or copy_faults(output, specialist.output_schema, input, where):
        raise NoStandIn("; ".join(faults))
    return output
