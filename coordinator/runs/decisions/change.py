"""A change: the jobs to release, the run to save, the jobs to cancel. It is decided and stored elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.runs.run import Run
from infra.records import Event, Job, StepResult


@dataclass(frozen=True)
class Change:
    """Release `jobs` first, then save `run` with its new results and events, then cancel `cancels`.

    If a crash prevents the cancelling, these jobs run for nothing: nobody waits for their outcomes.
    """

    run: Run
    jobs: Sequence[Job] = ()
    results: Sequence[StepResult] = ()
    events: Sequence[Event] = ()
    cancels: Sequence[str] = ()  #: ids of jobs
