"""Decides what a run does next: from outcomes to jobs, results and events. Stores nothing and sends nothing.

Outcomes that are counted a second time change nothing, and a job's id follows from its run, step and index. So it is
safe to release the jobs of a `Change`, to crash, and to decide all of it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coordinator.runs.decisions.change import Change
from coordinator.runs.decisions.events import ended_event
from coordinator.runs.decisions.open_run import OpenRun
from coordinator.runs.decisions.outcomes import Outcomes
from coordinator.runs.decisions.releases import Releases
from coordinator.runs.fallback import Known
from coordinator.runs.run import Run, RunFailure, UnreadableRun
from coordinator.runs.values import Stored
from infra.records import Event, Outcome, RunRecord, RunState
from specialists.catalog import Catalog


def begin(run: Run, catalog: Catalog, stored: Stored = lambda _: {}) -> Change:
    """Release the first steps of a new run, or of one that was taken up again."""
    open_run = OpenRun(run, stored)
    Releases(open_run, catalog).make()
    return open_run.change()


def advance(
    run: Run, outcomes: Iterable[Outcome], stored: Stored, catalog: Catalog, known: Known = lambda _: None
) -> Change:
    """Count `outcomes`, and release the steps that they make ready. An ended run stays as it is.

    Without `known` no fallback is asked, and unsure outcomes stand.
    """
    open_run = OpenRun(run, stored)
    open_run.keep_inputs()
    counted = Outcomes(open_run, catalog, known)
    for outcome in outcomes:
        counted.count(outcome)
    Releases(open_run, catalog).make()
    return open_run.change()


def cancel(run: Run) -> Change:
    open_run = OpenRun(run)
    open_run.end(RunState.CANCELLED)
    return open_run.change()


def fail(record: RunRecord, failure: RunFailure) -> tuple[RunRecord, Sequence[Event]]:
    """The run as failed, with the events to tell. If the record cannot be read, its body stays as it is."""
    try:
        open_run = OpenRun(Run.load(record))
    except UnreadableRun:
        return record.model_copy(update={"state": RunState.FAILED}), [ended_event(RunState.FAILED, failure)]
    open_run.fail(failure)
    change = open_run.change()
    return change.run.record(record.version), change.events
