"""Makes the jobs of a step: binds its arguments to values and addresses them to its job type. Releases none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coordinator.plans import references
from coordinator.plans.binder import Binder, Unbound
from coordinator.plans.plan import Step
from coordinator.runs.run import Run
from infra.records import Job, Json
from specialists.specialist import Specialist

#: How long a planner's ask may wait for a worker, and how long it may then run. A plan can be made without its answer.
ASKED_S = 5.0


def job_inputs(step: Step, values: Mapping[str, Any], binder: Binder) -> list[Json | Unbound]:
    """One input for each job, in the order of the list that is mapped over. Raises Unresolved, TooLarge.

    If the step goes on where a job fails, an Unbound stands in the place of an input that cannot be made.
    """
    if step.map is None:
        return list(binder.bind(step.args, [values]))
    item, elements = step.map.item, references.bind(step.map.over, values)
    if not isinstance(elements, list):
        raise references.Unresolved(f"map.over: {step.map.over[references.KEY]!r} is not a list")
    bind = binder.bind_each if step.goes_on else binder.bind
    return list(bind(step.args, ({**values, item: each} for each in elements)))


def job_of(run: Run, step: Step, index: int, job_input: Json, specialist: Specialist) -> Job:
    """A fallback may be unable to tell what the step asks of its own job type; it then answers without."""
    limits, top = specialist.manifest.limits, step.top if specialist.labels else None
    return Job(
        id=Job.name(run.id, step.id, index),
        type=specialist.name,
        input=job_input,
        run_id=run.id,
        step_id=step.id,
        index=index,
        attempts=limits.attempts,
        timeout_s=limits.timeout_s,
        deadline_ms=run.deadline_ms,
        claim_within_s=run.plan.limits.claim_within_s or limits.claim_within_s,
        tenant=run.tenant,
        tags=run.tags,
        priority=run.priority,
        tokens=specialist.tokens(job_input),
        reuse=specialist.reuse(job_input, run.tenant, fresh=step.id in run.anew, top=top),
        round=run.round,
        trace=run.trace,
        schemas=run.versions[specialist.name].schemas if specialist.name in run.versions else None,
        top=top,
    )


def asked_job(run: Run, step: Step, index: int, job_input: Json, specialist: Specialist) -> Job:
    """A job that the planner asks for. It is tried once, and planning does not wait long for it."""
    job = job_of(run, step, index, job_input, specialist)
    timeout_s = min(job.timeout_s, ASKED_S)
    claim_within_s = min(job.claim_within_s or ASKED_S, ASKED_S)
    update = {"attempts": 1, "timeout_s": timeout_s, "claim_within_s": claim_within_s, "reuse": None}
    return job.model_copy(update=update)


def fallback_job(run: Run, step: Step, first: Job, fallback: Specialist, claim_within_s: float) -> Job:
    """The job that asks `fallback` the same as `first` was asked."""
    job = job_of(run, step, first.index, first.input, fallback)
    job_id = Job.name(run.id, step.id, first.index, fallback.name)
    soonest_s = min(claim_within_s, job.claim_within_s or claim_within_s)
    return job.model_copy(update={"id": job_id, "claim_within_s": soonest_s})
