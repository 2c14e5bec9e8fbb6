"""Joins: judges by the number of jobs that succeeded whether a step is done or has failed. Knows no outcome."""

from __future__ import annotations

from coordinator.plans.plan import Default, Join, OnFailure, Step
from coordinator.runs.progress import Progress


def count(step: Step, progress: Progress, index: int, failure: str | None) -> Progress:
    """`progress` with the job at `index` ended, and the step judged anew.

    `failure`: why the job has no output; None if it has one.
    """
    if failure is None:
        return judge(step, progress.counted(index, "succeeded"))
    return judge(step, leave_out(step, progress, index, failure))


def leave_out(step: Step, progress: Progress, index: int, why: str) -> Progress:
    """`progress` with no output at `index`. The step is not judged."""
    made_good = _each_by_itself(step) and isinstance(step.on_failure, Default)
    return progress.leaving_out(index, "defaulted" if made_good else "skipped", why)


def judge(step: Step, progress: Progress) -> Progress:
    """`progress` marked as done or failed, if the step is either."""
    if _each_by_itself(step):
        return progress if progress.left else _all_ended(step, progress)
    enough = step.wanted(progress.total)
    if progress.succeeded >= enough:
        return progress.done()
    return _given_up(step, progress) if progress.total - progress.skipped < enough else progress


def _each_by_itself(step: Step) -> bool:
    """Whether each failed job is made good by itself, while the step waits for its other jobs."""
    return step.join is Join.ALL and step.on_failure is not OnFailure.FAIL


def _all_ended(step: Step, progress: Progress) -> Progress:
    none = step.on_failure is OnFailure.LEAVE_OUT and progress.total > 0 and not progress.succeeded
    return progress.failed() if none else progress.done()


def _given_up(step: Step, progress: Progress) -> Progress:
    """`progress` of a step of which not enough jobs can succeed any more."""
    if step.on_failure is OnFailure.FAIL or (step.on_failure is OnFailure.LEAVE_OUT and not progress.succeeded):
        return progress.failed()
    if isinstance(step.on_failure, Default):
        progress = progress.model_copy(update={"skipped": 0, "defaulted": progress.total - progress.succeeded})
    return progress.done()


def failed_of(step: Step, progress: Progress) -> str:
    """How many jobs of a step failed, and how many must succeed."""
    need = step.wanted(progress.total) if step.join is not Join.ALL else 1
    return f"{progress.skipped} of {progress.total} jobs failed, {need} must succeed"
