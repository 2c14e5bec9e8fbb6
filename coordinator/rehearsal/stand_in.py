"""Stand-ins: what answers for a specialist with a model in a rehearsal. The same for the same input; runs no model."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from coordinator.rehearsal.draw import Draw, NoStandIn
from coordinator.rehearsal.values import drawn_value
from infra.records import Json
from specialists.schemas import span_faults, value_faults
from specialists.specialist import Specialist


def stand_in(specialist: Specialist, input: Json, answers: Sequence[Json] = ()) -> Json:
    """An output of `specialist` for `input`: one of `answers`, taken as it is, or else one made by its output schema.

    Drawn by a digest of the job type and the input, so that whoever asks the same is answered the same. Raises
    NoStandIn; `answers` help then.
    """
    draw = Draw.of(specialist.name, input)
    if answers:
        return copy.deepcopy(draw.one_of(answers))
    where = f"{specialist.name}.output"
    output: Json = drawn_value(specialist.output_schema, draw, input, where)
    faults = value_faults(output, specialist.output_schema, where)
    if faults := faults or span_faults(output, specialist.output_schema, input, where):
        raise NoStandIn("; ".join(faults))
    return output
