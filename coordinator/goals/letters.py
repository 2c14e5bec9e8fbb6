"""Dead letters: jobs that ended without an output. They are listed, run again and purged here. Knows no HTTP."""

from __future__ import annotations

from typing import Protocol

from coordinator.goals.goals import Goals
from coordinator.goals.refusals import Unknown
from coordinator.runs.progress import StepState
from coordinator.runs.rerun import RerunRefused, check_missing
from coordinator.runs.run import Run
from infra.ledger.protocols.dead_letters import DeadLetterStore
from infra.ledger.protocols.jobs import JobReader
from infra.listing import LetterPage, LetterQuery
from infra.records import Cause, JobStatus
from specialists.catalog import Catalog, UnknownJobType

BATCH = 1000  #: how many letters are purged or looked through at a time


class UnknownLetter(Unknown):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"no dead letter {job_id[:200]!r}: the job has no failure, or was run again or purged since")


class UnknownLetters(Unknown):
    """The job type whose letters are asked for does not exist."""


class LetterLedger(DeadLetterStore, JobReader, Protocol):
    """Dead letters and their jobs."""


class Letters:
    def __init__(self, ledger: LetterLedger, catalog: Catalog, goals: Goals) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._goals = goals

    def page(self, query: LetterQuery) -> LetterPage:
        """Raises UnknownLetters."""
        self._check(query.type)
        return self._ledger.list_letters(query)

    def load(self, job_id: str) -> tuple[JobStatus, Cause]:
        """Raises UnknownLetter."""
        status = self._ledger.job(job_id)
        failure = status.outcome.failure if status and status.outcome else None
        cause = Cause.of(failure.kind) if failure else None
        if status is None or cause is None:
            raise UnknownLetter(job_id)
        return status, cause

    def rerun(self, job_id: str) -> tuple[Run, list[str]]:
        """Take up the job's run again where outputs are missing.

        Returns the run, and the ids of its other dead letters, among the newest, whose jobs are done again with it.
        Raises UnknownLetter, UnknownRun, RerunRefused."""
        job = self.load(job_id)[0].job
        if job.of_fallback:
            raise RerunRefused(
                f"job {job_id!r} is a fallback's, and the output of the first stands; "
                f"to do it anew all the same, run the goal again from step {job.step_id!r}"
            )
        before = self._goals.load(job.run_id)
        if before.state.ended:
            check_missing(before, job.step_id)
        letters = self._of(before)
        run = self._goals.rerun(job.run_id)
        return run, [each for each in letters if each != job_id and _is_taken_up(run, each)]

    def _of(self, run: Run) -> list[str]:
        """The ids of the run's jobs among the newest dead letters."""
        types = sorted({step.type for step in run.plan.steps})
        newest = (each.job_id for job_type in types for each in self._ledger.dead_letters(job_type, None, BATCH))
        return [job_id for job_id in newest if job_id.startswith(f"{run.id}.")]

    def purge(self, job_id: str) -> None:
        """Raises UnknownLetter."""
        self.load(job_id)
        self._ledger.purge([job_id])  # its count is ignored: if a first answer was lost, the retry counts none

    def purge_all(self, job_type: str | None, cause: Cause | None) -> int:
        """Forget all letters of a type and cause, and return how many there were. Raises UnknownLetters."""
        self._check(job_type)
        purged: set[str] = set()
        while ids := {letter.job_id for letter in self._ledger.dead_letters(job_type, cause, BATCH)} - purged:
            self._ledger.purge(sorted(ids))
            purged |= ids
        return len(purged)

    def _check(self, job_type: str | None) -> None:
        """Raises UnknownLetters. A job type that is not in the catalog any more may still have letters."""
        if job_type is None or job_type in self._catalog or self._ledger.dead_letters(job_type, None, 1):
            return
        raise UnknownLetters(UnknownJobType(job_type, self._catalog.names()))


def _is_taken_up(run: Run, job_id: str) -> bool:
    _, step_id, index, *fallback = job_id.split(".")
    progress = run.steps.get(step_id)
    if fallback or progress is None:
        return False
    return progress.state is StepState.WAITING or progress.awaits(int(index))
