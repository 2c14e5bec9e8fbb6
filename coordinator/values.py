"""Values: the inputs' and steps' values by name, put together from stored outputs. Knows neither plan nor binding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from coordinator.references import INPUTS
from coordinator.run import Run
from infra.records import Json, StepResult

#: Step id -> its outputs by index, as stored so far. Asked only for what a ready step refers to.
Stored = Callable[[str], Mapping[int, Json]]


def load_values(run: Run, names: Iterable[str], stored: Stored, fresh: Sequence[StepResult] = ()) -> dict[str, Any]:
    """The values of `names`: steps that are done, or `inputs`. `fresh` results are not stored yet."""
    return {name: _load(run, name, stored, fresh) for name in names}


def _load(run: Run, name: str, stored: Stored, fresh: Sequence[StepResult]) -> Any:
    """A mapped step's value is the list of its outputs, with null for what was skipped."""
    if name == INPUTS and run.inputs is not None:
        return run.inputs
    mapped = name != INPUTS and run.plan.step(name).map is not None
    total = run.steps[name].total if mapped else 1
    outputs: Mapping[int, Json] = {result.index: result.output for result in fresh if result.step_id == name}
    if len(outputs) < total:  # what is all at hand is not asked for
        outputs = {**stored(name), **outputs}
    return [outputs.get(index) for index in range(total)] if mapped else outputs.get(0)
