"""A goal as it is shown: its view, with what the ledger has to be asked for. Knows no route."""

from __future__ import annotations

from coordinator.api.answers import views
from coordinator.goals.goals import Goals
from coordinator.runs.run import Run
from infra.records import Json, RunState


def goal_shown(goals: Goals, run: Run) -> Json:
    result = goals.result(run) if run.state is RunState.SUCCEEDED else None
    return views.goal_view(run, () if run.state.ended else goals.paused(), result, goals.unserved(run))
