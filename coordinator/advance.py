"""What a run does next: from outcomes to jobs, results and events. Decides only: stores nothing and sends nothing.

The same outcomes twice change nothing the second time, and a job's id follows from its run, step and index: so it is
safe to release the jobs of a `Change`, crash, and decide all of it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator import references
from coordinator.binder import Binder, TooLarge
from coordinator.compiler import compile_plan
from coordinator.plan import PLANNING, OnFailure, Plan, PlanRefused, Step
from coordinator.progress import Progress, StepState
from coordinator.repair import repair
from coordinator.run import Run, RunFailure, UnreadableRun
from coordinator.values import Stored, load_values
from infra.records import Event, FailureKind, Job, Json, Outcome, RunRecord, RunState, StepResult
from specialists.catalog import Catalog


@dataclass(frozen=True)
class Change:
    """Release `jobs` first, then save `run` with its new results and events."""

    run: Run
    jobs: Sequence[Job] = ()
    results: Sequence[StepResult] = ()
    events: Sequence[Event] = ()


def begin(run: Run, catalog: Catalog) -> Change:
    """Release the first steps of a new run."""
    deciding = _Deciding(run, lambda _: {}, catalog)
    deciding.release_ready()
    return deciding.change()


def advance(run: Run, outcomes: Iterable[Outcome], stored: Stored, catalog: Catalog) -> Change:
    """Count `outcomes`, and release the steps that they make ready. An ended run stays as it is."""
    deciding = _Deciding(run, stored, catalog)
    deciding.keep_inputs()
    for outcome in outcomes:
        deciding.count(outcome)
    deciding.release_ready()
    return deciding.change()


def cancel(run: Run) -> Change:
    deciding = _Deciding(run, lambda _: {}, Catalog([]))
    deciding.end(RunState.CANCELLED)
    return deciding.change()


def fail(record: RunRecord, failure: RunFailure) -> tuple[RunRecord, Sequence[Event]]:
    """The run as failed. One that does not read keeps its body as it is, and its watchers are told all the same."""
    try:
        deciding = _Deciding(Run.load(record), lambda _: {}, Catalog([]))
    except UnreadableRun:
        return record.model_copy(update={"state": RunState.FAILED}), [_ended_event(RunState.FAILED, failure)]
    deciding.fail(failure)
    change = deciding.change()
    return change.run.record(record.version), change.events


class _Deciding:
    """The run while it is being decided about; `change` says what came of it."""

    def __init__(self, run: Run, stored: Stored, catalog: Catalog) -> None:
        self._run = run
        self._steps = dict(run.steps)
        self._jobs_before = run.jobs
        self._catalog = catalog
        self._stored = stored
        self._binder = Binder()
        self._jobs: list[Job] = []
        self._results: list[StepResult] = []
        self._events: list[Event] = []

    def change(self) -> Change:
        jobs = self._jobs_before + len(self._jobs)
        run = self._run.model_copy(update={"steps": self._steps, "jobs": jobs})
        # Jobs of a run that has ended need not run, and the ledger would have to cancel them.
        return Change(run, () if run.state.ended else self._jobs, self._results, self._events)

    def keep_inputs(self) -> None:
        """A new run's record holds its inputs; from the first save on the ledger does, as the results of a step."""
        if self._run.inputs is None or self._run.state.ended:
            return
        self._results.append(StepResult(step_id=references.INPUTS, index=0, output=self._run.inputs))
        self._run = self._run.model_copy(update={"inputs": None})

    def count(self, outcome: Outcome) -> None:
        progress = self._steps.get(outcome.step_id)
        if self._run.state.ended or progress is None or not progress.awaits(outcome.index):
            return
        self._tell("job.ended", step=outcome.step_id, index=outcome.index, state=outcome.state)
        if self._run.planning:
            self._plan(outcome)
        elif outcome.output is not None:
            self._end_job(outcome, progress.ended(outcome.index))
            self._results.append(StepResult(step_id=outcome.step_id, index=outcome.index, output=outcome.output))
        elif self._run.plan.step(outcome.step_id).on_failure is OnFailure.SKIP:
            self._end_job(outcome, progress.ended(outcome.index, skipped=True))
        else:
            self._fail_job(outcome)

    def _end_job(self, outcome: Outcome, progress: Progress) -> None:
        self._steps[outcome.step_id] = progress
        if progress.state is StepState.DONE:
            self._tell_step_ended(outcome.step_id)

    def _fail_job(self, outcome: Outcome) -> None:
        failure = outcome.failure
        kind = failure.kind if failure else FailureKind.ENGINE
        message = failure.message if failure else f"the job ended as {outcome.state} without saying why"
        self.fail(RunFailure(kind=kind, message=message, step=outcome.step_id, index=outcome.index))

    def _plan(self, outcome: Outcome) -> None:
        """The outcome of planning: a draft, which is checked, or a failure."""
        if outcome.output is None:
            self._fail_job(outcome)
            return
        self._steps[PLANNING] = self._steps[PLANNING].ended(0)
        try:
            plan, repairs = self._compile(outcome.output)
        except PlanRefused as refused:
            message = f"the planner's draft is no plan: {refused}"
            failure = RunFailure(kind=FailureKind.PLAN, message=message, step=PLANNING, faults=tuple(refused.faults))
            self.fail(failure)
            return
        self._steps |= {step.id: Progress() for step in plan.steps}
        self._run = self._run.model_copy(update={"plan": plan, "planning": False, "repairs": repairs})
        self._events.append(accepted_event(plan, repairs))

    def _compile(self, draft: Json) -> tuple[Plan, tuple[str, ...]]:
        """The draft's plan, mended where there is one way to mend it.

        The planner decodes greedily: asked again the same, it answers the same. So a draft is repaired, at most
        `max_replans` times, and never asked for anew. Raises PlanRefused with the faults of the draft as it came.
        """
        inputs, limits = self._values([references.INPUTS])[references.INPUTS], self._run.plan.limits
        refused: PlanRefused | None = None
        repairs: tuple[str, ...] = ()
        for attempt in range(limits.max_replans + 1):
            try:
                return compile_plan(draft, self._catalog, inputs, limits), repairs
            except PlanRefused as faults:
                refused = refused or faults
            draft, mended = repair(draft, self._catalog, inputs)
            if not mended or attempt == limits.max_replans:
                break
            repairs += tuple(mended)
        assert refused
        raise refused

    def release_ready(self) -> None:
        """Release the steps whose needs are done. An empty map is done at once, which may make others ready."""
        while not self._run.state.ended and (ready := list(self._ready())):
            for step in ready:
                if not self._run.state.ended:
                    self._release(step)
        if not self._run.state.ended and all(self._is_done(step.id) for step in self._run.plan.steps):
            self._succeed()

    def _ready(self) -> Iterator[Step]:
        for step in self._run.plan.steps:
            if self._steps[step.id].state is StepState.WAITING and all(map(self._is_done, step.needs())):
                yield step

    def _is_done(self, step_id: str) -> bool:
        return self._steps[step_id].state is StepState.DONE

    def _release(self, step: Step) -> None:
        try:
            job_inputs = self._bind(step)
        except (references.Unresolved, TooLarge) as error:
            message = f"step {step.id!r}: {error}"
            self.fail(RunFailure(kind=FailureKind.PLAN, message=message, step=step.id))
            return
        limit, jobs = self._run.plan.limits.max_jobs, self._jobs_before + len(self._jobs) + len(job_inputs)
        if jobs > limit:
            message = f"the step would make {jobs} jobs of the run, limits.max_jobs is {limit}"
            self.fail(RunFailure(kind=FailureKind.PLAN, message=message, step=step.id))
            return
        self._jobs += [self._job(step, index, job_input) for index, job_input in enumerate(job_inputs)]
        self._steps[step.id] = self._steps[step.id].released(len(job_inputs))
        self._tell("step.released", step=step.id, type=step.type, total=len(job_inputs))
        if self._is_done(step.id):
            self._tell_step_ended(step.id)

    def _bind(self, step: Step) -> list[Json]:
        """The inputs of the step's jobs. Raises Unresolved, TooLarge."""
        values = self._values(step.names())
        if step.map is None:
            return list(self._binder.bind(step.args, [values]))
        item, elements = step.map.item, references.bind(step.map.over, values)
        if not isinstance(elements, list):
            raise references.Unresolved(f"map.over: {step.map.over[references.KEY]!r} is not a list")
        return list(self._binder.bind(step.args, ({**values, item: each} for each in elements)))

    def _job(self, step: Step, index: int, job_input: Json) -> Job:
        limits = self._catalog.get(step.type).manifest.limits
        return Job(
            id=Job.name(self._run.id, step.id, index),
            type=step.type,
            input=job_input,
            run_id=self._run.id,
            step_id=step.id,
            index=index,
            attempts=limits.attempts,
            timeout_s=limits.timeout_s,
            deadline_ms=self._run.deadline_ms,
            trace=self._run.trace,
        )

    def _values(self, names: Iterable[str]) -> dict[str, Any]:
        return load_values(self._run.model_copy(update={"steps": self._steps}), names, self._stored, self._results)

    def _succeed(self) -> None:
        try:
            result = self._run.plan.result
            references.bind(result, self._values(references.heads(result)))
        except references.Unresolved as error:
            self.fail(RunFailure(kind=FailureKind.PLAN, message=f"result: {error}"))
            return
        self.end(RunState.SUCCEEDED)

    def fail(self, failure: RunFailure) -> None:
        if failure.step:
            self._steps[failure.step] = self._steps[failure.step].failed()
        self._run = self._run.model_copy(update={"failure": failure})
        self.end(RunState.FAILED)

    def end(self, state: RunState) -> None:
        self._run = self._run.model_copy(update={"state": state})
        self._events.append(_ended_event(state, self._run.failure))

    def _tell_step_ended(self, step_id: str) -> None:
        progress = self._steps[step_id]
        self._tell("step.ended", step=step_id, succeeded=progress.succeeded, skipped=progress.skipped)

    def _tell(self, name: str, **data: Any) -> None:
        self._events.append(Event(name=name, data=data))


def _ended_event(state: RunState, failure: RunFailure | None) -> Event:
    data = {"state": state, "failure": failure.model_dump(mode="json") if failure else None}
    return Event(name="run.ended", data=data)


def accepted_event(plan: Plan, repairs: Sequence[str] = ()) -> Event:
    shown = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Event(name="plan.accepted", data={"plan": shown, "repairs": list(repairs)})
