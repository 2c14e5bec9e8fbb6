"""Joins: whether a step is done, or has failed, by how many of its jobs succeeded. Counts; knows no outcome."""

from __future__ import annotations

from coordinator.plans.plan import Default, Join, OnFailure, Step
from coordinator.runs.progress import Progress


def count(step: Step, progress: Progress, index: int, succeeded: bool) -> Progress:
    """With the job at `index` ended, and the step's state judged by it."""
    if succeeded:
        return judge(step, progress.counted(index, "succeeded"))
    made_good = _each_by_itself(step) and isinstance(step.on_failure, Default)
    return judge(step, progress.counted(index, "defaulted" if made_good else "skipped"))


def judge(step: Step, progress: Progress) -> Progress:
    """`progress` as done or failed, where it has come to that."""
    if _each_by_itself(step):
        return progress if progress.left else progress.done()
    enough = step.wanted(progress.total)
    if progress.succeeded >= enough:
        return progress.done()
    return _given_up(step, progress) if progress.total - progress.skipped < enough else progress


def _each_by_itself(step: Step) -> bool:
    """Whether each failed job is made good alone: the step's others are waited for."""
    return step.join is Join.ALL and step.on_failure is not OnFailure.FAIL


def _given_up(step: Step, progress: Progress) -> Progress:
    """Not enough jobs can succeed any more."""
    if step.on_failure is OnFailure.FAIL:
        return progress.failed()
    if isinstance(step.on_failure, Default):
        progress = progress.model_copy(update={"skipped": 0, "defaulted": progress.total - progress.succeeded})
    return progress.done()
