"""Values: the values of inputs and steps by name, put together from stored outputs. Knows no binding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from coordinator.plans.references import INPUTS
from coordinator.runs.run import Run
from infra.records import Json, StepResult

#: Step id -> its outputs by index, as far as they are stored. It is called only for what a ready step refers to.
Stored = Callable[[str], Mapping[int, Json]]


def load_values(run: Run, names: Iterable[str], stored: Stored, fresh: Sequence[StepResult] = ()) -> dict[str, Any]:
    """The values of `names`: steps that are done, or `inputs`. `fresh`: results that are not stored yet.

    A mapped step's value is the list of its outputs. A place without an output is null, or has the step's default.
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
    """The outputs by index. The ledger is not asked if all `count` of them are among the fresh results."""
    outputs = {result.index: result.output for result in fresh if result.step_id == name}
    return outputs if len(outputs) == count else {**stored(name), **outputs}
