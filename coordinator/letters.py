"""Dead letters: jobs that ended without an output, for somebody to look at, replay or purge. Knows no HTTP."""

from __future__ import annotations

from coordinator.goals import Goals, Unknown, UnknownJob
from coordinator.run import Run
from infra.ledger import Ledger
from infra.records import Cause, DeadLetter, JobStatus

BATCH = 1000  #: purged at a time


class UnknownLetter(Unknown):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"no dead letter {job_id[:200]!r}: the job has no failure, or was replayed or purged since")


class Letters:
    def __init__(self, ledger: Ledger, goals: Goals) -> None:
        self._ledger = ledger
        self._goals = goals

    def newest(self, job_type: str | None, cause: Cause | None, limit: int) -> list[DeadLetter]:
        return self._ledger.dead_letters(job_type, cause, limit)

    def load(self, job_id: str) -> tuple[JobStatus, Cause]:
        """Raises UnknownLetter."""
        try:
            status = self._goals.job(job_id)
        except UnknownJob:
            raise UnknownLetter(job_id) from None
        failure = status.outcome.failure if status.outcome else None
        cause = Cause.of(failure.kind) if failure else None
        if cause is None:
            raise UnknownLetter(job_id)
        return status, cause

    def replay(self, job_id: str) -> Run:
        """The job's run, taken up again: the job starts anew. Raises UnknownLetter, UnknownRun, RerunRefused."""
        status, _ = self.load(job_id)
        return self._goals.rerun(status.job.run_id)

    def purge(self, job_id: str) -> None:
        """Raises UnknownLetter."""
        if not self._ledger.purge([job_id]):
            raise UnknownLetter(job_id)

    def purge_all(self, job_type: str | None, cause: Cause | None) -> int:
        """Forget all of a type and cause; returns how many there were."""
        purged = 0
        while letters := self._ledger.dead_letters(job_type, cause, BATCH):
            gone = self._ledger.purge([letter.job_id for letter in letters])
            purged += gone
            if not gone:  # others purge them too
                break
        return purged
