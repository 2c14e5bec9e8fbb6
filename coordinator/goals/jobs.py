"""Looks up jobs of runs together with their fallbacks, and cancels them. Releases none."""

from __future__ import annotations

from coordinator.goals.answered_job import Followed
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.refusals import UnknownJob, UnknownRun
from coordinator.goals.stored_runs import StoredRuns
from coordinator.runs.fallback import rule_of
from coordinator.runs.run import Run
from infra.records import JobStatus
from specialists.catalog import Catalog


class Jobs:
    def __init__(self, ledger: GoalLedger, catalog: Catalog, runs: StoredRuns) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._runs = runs

    def follow(self, job_id: str) -> Followed:
        """The job as it is now, with its fallback's. Raises UnknownJob."""
        status = self._ledger.job(job_id)
        if status is None:
            raise UnknownJob(job_id)
        if not _may_have_fallback(status):
            return Followed(status)
        try:
            return self.of_run(status, self._runs.load(status.job.run_id))
        except UnknownRun:
            return Followed(status)

    def of_run(self, status: JobStatus, run: Run) -> Followed:
        """A job of `run`, with its fallback's."""
        job, outcome = status.job, status.outcome
        if outcome is None or not _may_have_fallback(status):
            return Followed(status)
        if rule_of(outcome, job.type, self._catalog) and run.undecided(outcome):
            return Followed(status, undecided=True)
        other = self._ledger.job(fallback_id) if (fallback_id := run.fallback_of(job)) else None
        return Followed(status, other if other and other.job.round == job.round else None)

    def cancel(self, followed: Followed) -> None:
        """End the job and its fallback's."""
        fallback = [followed.fallback.job.id] if followed.fallback else []
        self._ledger.cancel([followed.job.job.id, *fallback])


def _may_have_fallback(status: JobStatus) -> bool:
    outcome = status.outcome
    return bool(
        outcome and outcome.output is not None and outcome.confidence is not None and not status.job.of_fallback
    )
