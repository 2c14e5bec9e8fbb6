"""Counts outcomes for their steps, asks a fallback after too unsure ones, reads the planner's. Releases no step.

`releases` looks for ready steps after all outcomes are counted.
"""

from __future__ import annotations

from coordinator.plans.plan import ASKS, PLANNING, PLANNING_AGAIN, Join, OnFailure, Step
from coordinator.runs.decisions.answers import Answers
from coordinator.runs.decisions.open_run import OpenRun
from coordinator.runs.fallback import Known, rule_of, standing
from coordinator.runs.jobs import fallback_job
from coordinator.runs.joining import count, failed_of
from coordinator.runs.progress import Progress, StepState
from coordinator.runs.run import Answered, RunFailure
from coordinator.runs.versions import with_versions
from infra.records import FailureKind, Job, Outcome, StepResult
from specialists.catalog import Catalog


class Outcomes:
    def __init__(self, open_run: OpenRun, catalog: Catalog, known: Known) -> None:
        self._open = open_run
        self._catalog = catalog
        self._known = known
        self._answers = Answers(open_run, catalog)

    def count(self, outcome: Outcome) -> None:
        progress = self._open.steps.get(outcome.step_id)
        if self._open.has_ended or outcome.round != self._open.run.round:
            return
        if progress is None or not progress.awaits(outcome.index, outcome.of_fallback):
            return
        if not self._ask_fallback(outcome, progress):
            self._end(outcome, progress)

    def _end(self, outcome: Outcome, progress: Progress) -> None:
        """Count an outcome that is final: no fallback is asked after it."""
        ended = {"fallback": {"type": progress.fallback, "state": outcome.state}} if outcome.of_fallback else {}
        outcome = standing(outcome, self._known)
        self._open.tell("job.ended", step=outcome.step_id, index=outcome.index, state=outcome.state, **ended)
        if outcome.step_id in (PLANNING, PLANNING_AGAIN) and outcome.output is not None:
            self._answers.read(outcome.step_id, outcome.output, progress)
            return
        if outcome.step_id in ASKS:
            self._hear(outcome)
        self._count(outcome, progress)

    def _ask_fallback(self, outcome: Outcome, progress: Progress) -> bool:
        """Ask the fallback the same, if there is one to ask and the limit leaves a job for it. True if it is asked."""
        run = self._open.run
        step, index = run.plan.step(outcome.step_id), outcome.index
        rule = rule_of(outcome, step.type, self._catalog)
        if rule is None or step.id in ASKS:
            return False
        asked = sum(each.fallbacks for each in self._open.steps.values())
        if self._open.jobs_made + asked >= run.plan.limits.max_jobs:
            return False
        first = self._known(outcome.job_id)
        if first is None:
            return False
        fallback = self._catalog.get(rule.to)
        self._open.run = run = with_versions(run, [fallback])
        self._open.jobs.append(fallback_job(run, step, first.job, fallback, rule.claim_within_s))
        self._open.steps[step.id] = progress.asking_fallback(index, rule.to)
        self._open.tell("job.fallback", step=step.id, index=index, type=rule.to, confidence=outcome.confidence)
        return True

    def _hear(self, outcome: Outcome) -> None:
        """Keep the answer to one of the planner's asks."""
        answered = Answered(output=outcome.output, confidence=outcome.confidence)
        self._open.update(heard=self._open.run.heard | {outcome.step_id: answered})

    def _count(self, outcome: Outcome, before: Progress) -> None:
        step = self._open.run.plan.step(outcome.step_id)
        progress = count(step, before, outcome.index, None if outcome.output is not None else _why(outcome))
        if outcome.output is not None and outcome.provenance:
            progress = progress.answered_by(outcome.provenance)
        self._open.steps[step.id] = progress
        if outcome.output is not None:
            self._open.results.append(StepResult(step_id=step.id, index=outcome.index, output=outcome.output))
        if progress.state is StepState.FAILED:
            self._open.fail(_job_failure(step, progress, outcome))
        elif progress.state is StepState.DONE:
            left = (index for index in before.open() if index != outcome.index)
            self._open.cancels += [self._open_job(step, before, index) for index in left]
            self._open.tell_step_ended(step.id)

    def _open_job(self, step: Step, progress: Progress, index: int) -> str:
        """The id of the job at `index` that has not ended: its fallback's, if that was asked."""
        return Job.name(self._open.run.id, step.id, index, progress.fallback if progress.has_asked(index) else None)


def _job_failure(step: Step, progress: Progress, outcome: Outcome) -> RunFailure:
    """The failure of a run whose step failed with this outcome."""
    kind, message = outcome.failure.kind if outcome.failure else FailureKind.ENGINE, _why(outcome)
    if step.join is not Join.ALL or step.on_failure is OnFailure.LEAVE_OUT:
        message = f"{failed_of(step, progress)}; the last: {message}"
    return RunFailure(kind=kind, message=message, step=step.id, index=outcome.index)


def _why(outcome: Outcome) -> str:
    """The reason why an outcome has no output."""
    return outcome.failure.message if outcome.failure else f"the job ended as {outcome.state} without saying why"
