"""An explanation: why a goal in words has come to no plan, or to several. Knows no ledger and no planner."""

from __future__ import annotations

from coordinator.runs.run import Run
from infra.records import Json, RunState

TO_CONFIRM = "this is to be confirmed before it runs"


def explanation(run: Run) -> Json | None:
    """Of a run that is unsure or refused, or has ended while it was unsure; None: it came to a plan, or to none yet.

    `why` is one sentence, `missing` names parameters that nothing in the goal gives, of the first of the job types in
    `nearest`, those first that come nearest to what is asked. The plans that were considered are the run's candidates.
    """
    if run.state is not RunState.REFUSED and not run.candidates:
        return None
    return {"why": run.reason or TO_CONFIRM, "missing": list(run.missing), "nearest": list(run.nearest)}
