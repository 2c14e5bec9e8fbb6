"""Re-run: an ended run goes on, from a step on or where outputs are missing. Decides, but stores nothing.

A run that is taken up again may have outputs already, and the ids of its jobs have been used before. So its jobs belong
to a new round, and outcomes of earlier rounds count no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.plans.plan import BESIDE_THE_PLAN, PLANNING, Plan, Step, planning
from coordinator.plans.references import INPUTS
from coordinator.runs.advance import begin
from coordinator.runs.decisions.change import Change
from coordinator.runs.progress import Progress, StepState
from coordinator.runs.run import UNSAID, Run
from coordinator.runs.values import Stored
from coordinator.runs.versions import pinned, unpinned
from infra.records import Event, RunState
from specialists.catalog import Catalog


class RerunRefused(Exception):
    """The run cannot be taken up again. The message says why, and what to do if something can be done."""


@dataclass(frozen=True)
class Reopened:
    """Instructions: save `run` with `events`, forget the results of the steps in `forget`, then carry out `change`."""

    run: Run  #: the run before anything of its new round is released
    forget: Sequence[str]
    events: Sequence[Event]
    change: Change


def reopen(run: Run, stored: Stored, catalog: Catalog, now_ms: int, step: str | None = None) -> Reopened:
    """Take up `run` from `step` on. The step and all that depend on it are done anew; the others keep their outputs.

    Without a step, jobs that have no output are done again, and steps that used a list with such gaps are done anew. A
    run that has no plan is planned anew. Raises RerunRefused.
    """
    _check(run, stored, step)
    first = PLANNING if run.planning else step
    anew = _with_dependents(run.plan, {first}) if first else _dependents(run.plan, _gaps(run))
    steps = {
        each.id: _taken_up(run, each, stored, each.id in anew, keep_gaps=step is not None) for each in run.plan.steps
    }
    plan = planning(run.plan.limits) if run.planning else run.plan  # the planner may ask for other jobs this time
    again = [each for each in plan.steps if steps[each.id].state is StepState.WAITING]
    _check_again(again, catalog)
    reopened = pinned(unpinned(_reopened(run, plan, steps, anew, now_ms)), catalog)
    change = begin(reopened, catalog, stored)
    _check_change(change, step)
    data = {"round": reopened.round, "step": step, "deadline_ms": reopened.deadline_ms}
    return Reopened(reopened, sorted(anew), [Event(name="run.reopened", data=data)], change)


def check_missing(run: Run, step_id: str) -> None:
    """Raises RerunRefused if no output of the step is missing, as a re-run would then do none of its jobs again."""
    if step_id not in {step.id for step in run.plan.steps}:
        raise RerunRefused(
            f"step {step_id!r} was part of the planning, which is over; the plan was made without this job"
        )
    step, progress = run.plan.step(step_id), run.steps[step_id]
    if progress.state is StepState.DONE and not _has_gaps(step, progress):
        raise RerunRefused(
            f"step {step_id!r} is done without this job: {progress.succeeded} outputs are as many as it needs; "
            "to do it anew all the same, run the goal again from that step"
        )


def _check(run: Run, stored: Stored, step: str | None) -> None:
    if run.state is RunState.UNSURE:
        raise RerunRefused("the goal waits until one of its plans is confirmed; confirm one, or cancel it")
    if not run.state.ended:
        raise RerunRefused("the goal still runs; wait for its end, or cancel it")
    known = [each.id for each in run.plan.steps]
    if step is not None and step not in known:
        raise RerunRefused(f"the goal has no step {step!r}; known: {', '.join(known)}")
    if run.inputs is None and not stored(INPUTS):
        raise RerunRefused("the goal's inputs are not kept any more; send it as a new one")


def _check_again(again: Sequence[Step], catalog: Catalog) -> None:
    if not again:
        raise RerunRefused("no output is missing; say from which step to do it anew")
    for step in again:
        if step.type not in catalog:
            known = ", ".join(catalog.names())
            raise RerunRefused(
                f"step {step.id!r} asks for job type {step.type!r}, which is here no more; known: {known}"
            )


def _check_change(change: Change, step: str | None) -> None:
    """Raises RerunRefused if the run would end at once: no outcome would come after which a coordinator ends it."""
    if change.run.failure:
        raise RerunRefused(f"it would fail at once: {change.run.failure.message}")
    if change.run.state.ended:
        raise RerunRefused(f"there is no job to do again{f' from step {step!r} on' if step else ''}")


def _gaps(run: Run) -> set[str]:
    """The ids of steps that are done with fewer outputs than they want."""
    return {step.id for step in run.plan.steps if _has_gaps(step, run.steps[step.id])}


def _has_gaps(step: Step, progress: Progress) -> bool:
    return progress.state is StepState.DONE and progress.succeeded < step.wanted(progress.total)


def _with_dependents(plan: Plan, steps: set[str]) -> set[str]:
    return steps | _dependents(plan, steps)


def _dependents(plan: Plan, steps: set[str]) -> set[str]:
    """The ids of the steps that need one of `steps`, directly or not."""
    found: set[str] = set()
    while new := {step.id for step in plan.steps if step.needs() & (steps | found)} - found:
        found |= new
    return found


def _taken_up(run: Run, step: Step, stored: Stored, anew: bool, keep_gaps: bool) -> Progress:
    """The step's progress when the run goes on: done as before, or waiting with the outputs that it has."""
    progress = run.steps[step.id]
    if anew:
        return Progress()
    outputs = stored(step.id)
    if progress.state is not StepState.DONE:
        return Progress.keeping(outputs)
    if len(outputs) < progress.succeeded:
        raise RerunRefused(f"of {progress.succeeded} outputs of step {step.id!r} only {len(outputs)} are still kept")
    return Progress.keeping(outputs) if _has_gaps(step, progress) and not keep_gaps else progress


def _reopened(run: Run, plan: Plan, steps: dict[str, Progress], anew: set[str], now_ms: int) -> Run:
    all_steps = {PLANNING: steps[PLANNING]} if run.planning else run.steps | steps
    waiting = {name for name, each in all_steps.items() if each.state is StepState.WAITING}
    left = waiting & set(run.anew)  # steps that an earlier round was to do anew and has not done
    own = [each for name, each in all_steps.items() if name not in BESIDE_THE_PLAN]
    kept = (each.total if each.state is StepState.DONE else each.succeeded for each in own)
    return run.model_copy(
        update={
            "state": RunState.RUNNING,
            "failure": None,
            **UNSAID,
            "plan": plan,
            "steps": all_steps,
            "jobs": sum(kept),
            "round": run.round + 1,
            "reopened_ms": now_ms,
            "anew": tuple(sorted(anew | left)),
            "deadline_ms": now_ms + round(run.plan.limits.deadline_s * 1000),
        }
    )
