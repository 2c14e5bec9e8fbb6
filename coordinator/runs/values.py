"""Values: the inputs' and steps' values by name, put together from stored outputs. Knows neither plan nor binding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from coordinator.plans.references import INPUTS
from coordinator.runs.run import Run
from infra.records import Json, StepResult

#: Step id -> its outputs by index, as stored so far. Asked only for what a ready step refers to.
Stored = Callable[[str], Mapping[int, Json]]


def load_values(run: Run, names: Iterable[str], stored: Stored, fresh: Sequence[StepResult] = ()) -> dict[str, Any]:
    """The values of `names`: steps that are done, or `inputs`. `fresh` results are not stored yet.

    A mapped step's value is the list of its outputs. What has none is null, or has the output that the step says.
    """
    return {name: _load(run, name, stored, fresh) for name in names}


def _load(run: Run, name: str, stored: Stored, fresh: Sequence[StepResult]) -> Any:
    if name == INPUTS:
        return _outputs(name, 1, stored, fresh).get(0) if run.inputs is None else run.inputs
    step, progress = run.plan.step(name), run.steps[name]
    outputs = _outputs(name, progress.total if step.map else 1, stored, fresh)
    other = step.output_in_place if progress.defaulted else None
    return [outputs.get(index, other) for index in range(progress.total)] if step.map else outputs.get(0, other)


def _outputs(name: str, count: int, stored: Stored, fresh: Sequence[StepResult]) -> Mapping[int, Json]:
    """By index. What is all at hand is not asked for."""
    outputs = {result.index: result.output for result in fresh if result.step_id == name}
    return outputs if len(outputs) == count else {**stored(name), **outputs}
