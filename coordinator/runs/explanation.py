"""An explanation: why a goal in words has led to no plan, or to several. Knows no ledger and no planner."""

from __future__ import annotations

from coordinator.runs.run import Run
from infra.records import Json, RunState

TO_CONFIRM = "this is to be confirmed before it runs"


def explanation(run: Run) -> Json | None:
    """Explain a run that is unsure or refused, or that ended while it was unsure. None for every other run.

    `why` is one sentence. `nearest` names the job types that come nearest to the goal, the nearest first, and `missing`
    the parameters of the nearest that nothing in the goal gives. The plans considered are the run's candidates.
    """
    if run.state is not RunState.REFUSED and not run.candidates:
        return None
    return {"why": run.reason or TO_CONFIRM, "missing": list(run.missing), "nearest": list(run.nearest)}
