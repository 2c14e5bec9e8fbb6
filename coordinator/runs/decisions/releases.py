"""Makes the jobs of the steps that are ready, and ends a run whose steps are all done. Counts no outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coordinator.plans import references
from coordinator.plans.binder import Binder, TooLarge, Unbound
from coordinator.plans.plan import ASKS, BESIDE_THE_PLAN, PLANNING, Step
from coordinator.plans.planner_input import with_answers
from coordinator.runs.decisions.open_run import OpenRun
from coordinator.runs.jobs import asked_job, job_inputs, job_of
from coordinator.runs.joining import failed_of, judge, leave_out
from coordinator.runs.progress import Progress, StepState
from coordinator.runs.run import Answered, RunFailure
from infra.records import FailureKind, Json, RunState
from specialists.catalog import Catalog


class Releases:
    def __init__(self, open_run: OpenRun, catalog: Catalog) -> None:
        self._open = open_run
        self._catalog = catalog
        self._binder = Binder()

    def make(self) -> None:
        """Release the steps whose needs are done. A map without elements is done at once and may make others ready."""
        while self._open.is_running and (ready := list(self._ready())):
            for step in ready:
                if self._open.is_running:
                    self._release(step)
        if self._open.is_running and all(self._open.is_done(step.id) for step in self._open.run.plan.steps):
            self._succeed()

    def _ready(self) -> Iterator[Step]:
        for step in self._open.run.plan.steps:
            is_waiting = self._open.steps[step.id].state is StepState.WAITING
            if is_waiting and all(map(self._open.is_done, step.needs())):
                yield step

    def _release(self, step: Step) -> None:
        try:
            inputs = self._inputs(step)
        except (references.Unresolved, TooLarge) as error:
            self._fail_step(step, f"step {step.id!r}: {error}")
            return
        progress = self._open.steps[step.id].released(len(inputs))
        for index, input in enumerate(inputs):
            if isinstance(input, Unbound):
                progress = leave_out(step, progress, index, input.why)
        progress = judge(step, progress)
        if progress.state is StepState.FAILED:
            self._fail_step(step, f"step {step.id!r}: {_too_few(step, progress)}")
            return
        self._make_jobs(step, progress, inputs)

    def _inputs(self, step: Step) -> list[Json | Unbound]:
        """One input for each job. The planner's holds parts of the goal's inputs: it is data, and never bound."""
        asked = self._open.run.asked
        if asked is not None:
            return [self._asked(asked, step.id)]
        return job_inputs(step, self._open.values(step.names()), self._binder)

    def _asked(self, asked: Json, step_id: str) -> Json:
        """The input of the planner, or of a job that it asked for."""
        if step_id == PLANNING:
            return asked
        run = self._open.run
        asks = dict(zip(ASKS, run.asks, strict=False))
        if step_id in asks:
            return asks[step_id].input
        heard = [(ask, run.heard.get(name, Answered(output=None))) for name, ask in asks.items()]
        return with_answers(asked, [(ask, each.output, each.confidence) for ask, each in heard])

    def _make_jobs(self, step: Step, progress: Progress, inputs: Sequence[Json | Unbound]) -> None:
        """Make jobs for those of `inputs` that have no output yet."""
        run = self._open.run
        new = progress.open() if progress.state is StepState.RELEASED else []
        limit, jobs = run.plan.limits.max_jobs, self._open.jobs_made + len(new)
        if jobs > limit and step.id not in BESIDE_THE_PLAN:
            self._fail_step(step, f"the step would make {jobs} jobs of the run, limits.max_jobs is {limit}")
            return
        specialist, make = self._catalog.get(step.type), asked_job if step.id in ASKS else job_of
        bound = ((index, inputs[index]) for index in new)
        self._open.jobs += [
            make(run, step, index, input, specialist) for index, input in bound if not isinstance(input, Unbound)
        ]
        self._open.steps[step.id] = progress
        kept = progress.succeeded
        self._open.tell("step.released", step=step.id, type=step.type, total=progress.total, kept=kept)
        if progress.state is StepState.DONE:
            self._open.tell_step_ended(step.id)

    def _fail_step(self, step: Step, message: str) -> None:
        self._open.fail(RunFailure(kind=FailureKind.PLAN, message=message, step=step.id))

    def _succeed(self) -> None:
        try:
            result = self._open.run.plan.result
            references.bind(result, self._open.values(references.heads(result)))
        except references.Unresolved as error:
            self._open.fail(RunFailure(kind=FailureKind.PLAN, message=f"result: {error}"))
            return
        self._open.end(RunState.SUCCEEDED)


def _too_few(step: Step, progress: Progress) -> str:
    """The reason why a step has failed before any of its jobs ran."""
    if not progress.left_out:
        return f"{step.wanted(progress.total)} of its jobs must succeed, and it has {progress.total}"
    return f"{failed_of(step, progress)}; the first: {progress.left_out[0].why}"
