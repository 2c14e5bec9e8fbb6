"""What a run does next: from outcomes to jobs, results and events. Decides only: stores nothing and sends nothing.

The same outcomes twice change nothing the second time, and a job's id follows from its run, step and index: so it is
safe to release the jobs of a `Change`, crash, and decide all of it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from coordinator.plans import references
from coordinator.plans.answer import shown
from coordinator.plans.binder import Binder, TooLarge, Unbound
from coordinator.plans.plan import ASKS, BESIDE_THE_PLAN, PLANNING, PLANNING_AGAIN, Join, OnFailure, PlanRefused, Step
from coordinator.plans.planner_input import with_answers
from coordinator.plans.planning import Accepted, Asking, Refused, Unsure, decide, is_askable
from coordinator.runs.fallback import Known, rule_of, standing
from coordinator.runs.jobs import asked_job, fallback_job, job_inputs, job_of
from coordinator.runs.joining import count, judge, leave_out
from coordinator.runs.progress import Progress, StepState
from coordinator.runs.run import UNSAID, Answered, Run, RunFailure, UnreadableRun
from coordinator.runs.values import Stored, load_values
from coordinator.runs.versions import pinned, with_versions
from infra.records import Event, FailureKind, Job, Json, Outcome, RunRecord, RunState, StepResult
from specialists.catalog import Catalog


@dataclass(frozen=True)
class Change:
    """Release `jobs` first, then save `run` with its new results and events, then cancel `cancels`.

    Where a crash keeps them from being cancelled, they run for nothing: nobody waits for their outcomes.
    """

    run: Run
    jobs: Sequence[Job] = ()
    results: Sequence[StepResult] = ()
    events: Sequence[Event] = ()
    cancels: Sequence[str] = ()  #: ids of jobs


def begin(run: Run, catalog: Catalog, stored: Stored = lambda _: {}) -> Change:
    """Release the first steps of a new run, or of one that was taken up again."""
    deciding = _Deciding(run, stored, catalog)
    deciding.release_ready()
    return deciding.change()


def advance(
    run: Run, outcomes: Iterable[Outcome], stored: Stored, catalog: Catalog, known: Known = lambda _: None
) -> Change:
    """Count `outcomes`, and release the steps that they make ready. An ended run stays as it is.

    `known`: without it unsure outcomes stand, and no fallback is asked.
    """
    deciding = _Deciding(run, stored, catalog, known)
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

    def __init__(self, run: Run, stored: Stored, catalog: Catalog, known: Known = lambda _: None) -> None:
        self._run = run
        self._steps = dict(run.steps)
        self._jobs_before = run.jobs
        self._catalog = catalog
        self._stored = stored
        self._known = known
        self._binder = Binder()
        self._jobs: list[Job] = []
        self._results: list[StepResult] = []
        self._events: list[Event] = []
        self._cancels: list[str] = []

    def change(self) -> Change:
        run = self._run.model_copy(update={"steps": self._steps, "jobs": self._jobs_made()})
        if run.state.ended:  # its jobs need not run: the ledger cancels those that do
            return Change(run, (), self._results, self._events)
        return Change(run, self._jobs, self._results, self._events, self._cancels)

    def keep_inputs(self) -> None:
        """A new run's record holds its inputs; from the first save on the ledger does, as the results of a step."""
        if self._run.inputs is None or self._run.state.ended:
            return
        self._results.append(StepResult(step_id=references.INPUTS, index=0, output=self._run.inputs))
        self._run = self._run.model_copy(update={"inputs": None})

    def count(self, outcome: Outcome) -> None:
        progress = self._steps.get(outcome.step_id)
        if self._run.state.ended or outcome.round != self._run.round:
            return
        if progress is None or not progress.awaits(outcome.index, outcome.of_fallback):
            return
        if self._escalate(outcome, progress):
            return
        ended = {"fallback": {"type": progress.fallback, "state": outcome.state}} if outcome.of_fallback else {}
        outcome = standing(outcome, self._known)
        self._tell("job.ended", step=outcome.step_id, index=outcome.index, state=outcome.state, **ended)
        if outcome.step_id in (PLANNING, PLANNING_AGAIN) and outcome.output is not None:
            self._plan(outcome.step_id, outcome.output, progress)
            return
        if outcome.step_id in ASKS:
            self._hear(outcome)
        self._count(outcome, progress)

    def _escalate(self, outcome: Outcome, progress: Progress) -> bool:
        """Have the fallback asked the same, if there is one to ask, and a job left for it."""
        step, index = self._run.plan.step(outcome.step_id), outcome.index
        rule = rule_of(outcome, step.type, self._catalog)
        if rule is None or step.id in ASKS:
            return False
        asked = sum(each.escalated for each in self._steps.values())
        if self._jobs_made() + asked >= self._run.plan.limits.max_jobs:
            return False
        first = self._known(outcome.job_id)
        if first is None:
            return False
        fallback = self._catalog.get(rule.to)
        self._run = with_versions(self._run, [fallback])
        self._jobs.append(fallback_job(self._run, step, first.job, fallback, rule.claim_within_s))
        self._steps[step.id] = progress.escalating(index, rule.to)
        self._tell("job.escalated", step=step.id, index=index, type=rule.to, confidence=outcome.confidence)
        return True

    def _jobs_made(self) -> int:
        """Of the plan's own, and the planner's: a fallback's and the planner's asks take none of the steps to come."""
        own = (job for job in self._jobs if not job.of_fallback and job.step_id not in BESIDE_THE_PLAN)
        return self._jobs_before + sum(1 for _ in own)

    def _count(self, outcome: Outcome, before: Progress) -> None:
        step = self._run.plan.step(outcome.step_id)
        progress = count(step, before, outcome.index, None if outcome.output is not None else _why(outcome))
        if outcome.output is not None and outcome.provenance:
            progress = progress.answered_by(outcome.provenance.specialist)
        self._steps[step.id] = progress
        if outcome.output is not None:
            self._results.append(StepResult(step_id=step.id, index=outcome.index, output=outcome.output))
        if progress.state is StepState.FAILED:
            self.fail(_job_failure(step, progress, outcome))
        elif progress.state is StepState.DONE:
            self._cancels += [self._open_job(step, before, index) for index in before.open() if index != outcome.index]
            self._tell_step_ended(step.id)

    def _open_job(self, step: Step, progress: Progress, index: int) -> str:
        """Its id, or its fallback's, which was asked after it."""
        return Job.name(self._run.id, step.id, index, progress.fallback if progress.has_asked(index) else None)

    def _hear(self, outcome: Outcome) -> None:
        """What an ask of the planner's came to."""
        answered = Answered(output=outcome.output, confidence=outcome.confidence)
        self._run = self._run.model_copy(update={"heard": self._run.heard | {outcome.step_id: answered}})

    def _plan(self, step_id: str, output: Json, progress: Progress) -> None:
        """The planner's output: a plan, plans to choose from, a refusal, or what is to be asked first."""
        inputs, limits = self._values([references.INPUTS])[references.INPUTS], self._run.plan.limits
        try:
            decision = decide(output, self._run.confirm, self._catalog, inputs, limits)
            if isinstance(decision, Asking) and step_id != PLANNING:
                raise PlanRefused(["the planner's answer: asks once more"])
        except PlanRefused as refused:
            message = f"the planner has no plan that can run: {refused}"
            self.fail(RunFailure(kind=FailureKind.PLAN, message=message, step=step_id, faults=tuple(refused.faults)))
            return
        self._steps[step_id] = progress.counted(0, "succeeded").done()
        match decision:
            case Asking():
                self._ask(decision)
            case Accepted():
                self._go_on(decision)
            case Unsure():
                self._wait(decision)
            case Refused():
                told = {"reason": decision.reason, "missing": decision.missing, "nearest": decision.nearest}
                self._run = self._run.model_copy(update=told)
                self.end(RunState.REFUSED)

    def _ask(self, asking: Asking) -> None:
        asking_run = self._run.asking(asking.asks, partial(is_askable, catalog=self._catalog))
        self._run = pinned(asking_run, self._catalog)
        self._steps = {**self._run.steps, PLANNING: self._steps[PLANNING]}

    def _go_on(self, accepted: Accepted) -> None:
        planned = pinned(self._run.planned(accepted.plan, accepted.draft.reading), self._catalog)
        self._steps = {**planned.steps, **self._steps}
        self._run = planned
        self._events.append(accepted_event(planned))

    def _wait(self, unsure: Unsure) -> None:
        """Until the caller has confirmed one of the plans."""
        told = {**UNSAID, "state": RunState.UNSURE, "candidates": unsure.drafts, "reason": unsure.reason}
        self._run = self._run.model_copy(update=told)
        plans = [{"choice": number, **shown(draft)} for number, draft in enumerate(unsure.drafts, 1)]
        self._tell("run.unsure", reason=unsure.reason, plans=plans)

    def release_ready(self) -> None:
        """Release the steps whose needs are done. An empty map is done at once, which may make others ready."""
        while self._runs() and (ready := list(self._ready())):
            for step in ready:
                if self._runs():
                    self._release(step)
        if self._runs() and all(self._is_done(step.id) for step in self._run.plan.steps):
            self._succeed()

    def _runs(self) -> bool:
        return self._run.state is RunState.RUNNING

    def _ready(self) -> Iterator[Step]:
        for step in self._run.plan.steps:
            if self._steps[step.id].state is StepState.WAITING and all(map(self._is_done, step.needs())):
                yield step

    def _is_done(self, step_id: str) -> bool:
        return self._steps[step_id].state is StepState.DONE

    def _release(self, step: Step) -> None:
        try:
            inputs = self._inputs(step)
        except (references.Unresolved, TooLarge) as error:
            self._fail_step(step, f"step {step.id!r}: {error}")
            return
        progress = self._steps[step.id].released(len(inputs))
        for index, input in enumerate(inputs):
            if isinstance(input, Unbound):
                progress = leave_out(step, progress, index, input.why)
        progress = judge(step, progress)
        if progress.state is StepState.FAILED:
            self._fail_step(step, f"step {step.id!r}: {_too_few(step, progress)}")
            return
        self._make_jobs(step, progress, inputs)

    def _inputs(self, step: Step) -> list[Json | Unbound]:
        """One a job. What the planner is asked holds parts of the goal's inputs: it is data, and not searched."""
        if self._run.asked is not None:
            return [self._asked(self._run.asked, step.id)]
        return job_inputs(step, self._values(step.names()), self._binder)

    def _asked(self, asked: Json, step_id: str) -> Json:
        """What the planner is asked, or others are for its sake."""
        if step_id == PLANNING:
            return asked
        asks = dict(zip(ASKS, self._run.asks, strict=False))
        if step_id in asks:
            return asks[step_id].input
        heard = [(ask, self._run.heard.get(name, Answered(output=None))) for name, ask in asks.items()]
        return with_answers(asked, [(ask, each.output, each.confidence) for ask, each in heard])

    def _make_jobs(self, step: Step, progress: Progress, inputs: Sequence[Json | Unbound]) -> None:
        """Jobs for those of `inputs` that have no output yet."""
        new = progress.open() if progress.state is StepState.RELEASED else []
        limit, jobs = self._run.plan.limits.max_jobs, self._jobs_made() + len(new)
        if jobs > limit and step.id not in BESIDE_THE_PLAN:
            self._fail_step(step, f"the step would make {jobs} jobs of the run, limits.max_jobs is {limit}")
            return
        specialist = self._catalog.get(step.type)
        make = asked_job if step.id in ASKS else job_of
        bound = ((index, inputs[index]) for index in new)
        self._jobs += [
            make(self._run, step, index, input, specialist) for index, input in bound if not isinstance(input, Unbound)
        ]
        self._steps[step.id] = progress
        kept = progress.succeeded
        self._tell("step.released", step=step.id, type=step.type, total=progress.total, kept=kept)
        if progress.state is StepState.DONE:
            self._tell_step_ended(step.id)

    def _fail_step(self, step: Step, message: str) -> None:
        self.fail(RunFailure(kind=FailureKind.PLAN, message=message, step=step.id))

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
        self._events.append(_ended_event(state, self._run.failure, self._run.reason))

    def _tell_step_ended(self, step_id: str) -> None:
        progress = self._steps[step_id]
        counts = {name: getattr(progress, name) for name in ("succeeded", "skipped", "defaulted")}
        self._tell("step.ended", step=step_id, **counts, cancelled=progress.left)

    def _tell(self, name: str, **data: Any) -> None:
        self._events.append(Event(name=name, data=data))


def _job_failure(step: Step, progress: Progress, outcome: Outcome) -> RunFailure:
    """Of the run, whose step failed with this outcome."""
    kind, message = outcome.failure.kind if outcome.failure else FailureKind.ENGINE, _why(outcome)
    if step.join is not Join.ALL or step.on_failure is OnFailure.LEAVE_OUT:
        message = f"{_failed_of(step, progress)}; the last: {message}"
    return RunFailure(kind=kind, message=message, step=step.id, index=outcome.index)


def _why(outcome: Outcome) -> str:
    """Of one without an output."""
    return outcome.failure.message if outcome.failure else f"the job ended as {outcome.state} without saying why"


def _failed_of(step: Step, progress: Progress) -> str:
    need = step.wanted(progress.total) if step.join is not Join.ALL else 1
    return f"{progress.skipped} of {progress.total} jobs failed, {need} must succeed"


def _too_few(step: Step, progress: Progress) -> str:
    """Why a step has failed before any of its jobs ran."""
    if not progress.left_out:
        return f"{step.wanted(progress.total)} of its jobs must succeed, and it has {progress.total}"
    return f"{_failed_of(step, progress)}; the first: {progress.left_out[0].why}"


def _ended_event(state: RunState, failure: RunFailure | None, reason: str = "") -> Event:
    told = {"reason": reason} if state is RunState.REFUSED else {}
    data = {"state": state, "failure": failure.model_dump(mode="json") if failure else None, **told}
    return Event(name="run.ended", data=data)


def accepted_event(run: Run) -> Event:
    """Of a run that has its plan; with what the planner said of it, if the plan is the planner's."""
    plan = run.plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Event(name="plan.accepted", data={"plan": plan, **shown(run.reading)})
