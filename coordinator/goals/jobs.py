"""Looks up jobs of runs together with their fallbacks, and cancels them. Releases none."""

from __future__ import annotations

from coordinator.goals.answered_job import Followed
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.refusals import UnknownJob, UnknownRun
from coordinator.goals.stored_runs import StoredRuns
from coordinator.runs.fallback import rule_of
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
        job, outcome = status.job, status.outcome
        if outcome is None or outcome.output is None or outcome.confidence is None or job.of_fallback:
            return Followed(status)
        try:
            run = self._runs.load(job.run_id)
        except UnknownRun:
            return Followed(status)
        if rule_of(outcome, job.type, self._catalog) and run.undecided(outcome):
            return Followed(status, undecided=True)
        other = self._ledger.job(fallback_id) if (fallback_id := run.fallback_of(job)) else None
        return Followed(status, other if other and other.job.round == job.round else None)

    def cancel(self, followed: Followed) -> None:
        """End the job and its fallback's."""
        fallback = [followed.fallback.job.id] if followed.fallback else []
        self._ledger.cancel([followed.job.job.id, *fallback])
