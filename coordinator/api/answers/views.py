"""Views: they show runs, jobs and specialists as JSON for the HTTP API. Know neither the ledger's keys nor routes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from coordinator.admission.backlog import Backlog
from coordinator.admission.decide import Bid, wait_s
from coordinator.goals.answered_job import Followed
from coordinator.plans.answer import shown
from coordinator.plans.saved_plan import SavedPlan
from coordinator.runs.explanation import explanation
from coordinator.runs.progress import Progress, StepState
from coordinator.runs.run import Run
from infra.records import Cause, DeadLetter, JobStatus, Json, Outcome, Priority, Provenance, RunState, TypeState
from specialists.specialist import Specialist


def goal_view(run: Run, paused: Collection[str], result: Any = None, unserved: Sequence[Json] = ()) -> Json:
    """Show a run. An unsure run has the plans to choose from, and a run that succeeded has its `result`.

    `paused`: all paused job types; the view has those that the run waits for. `unserved`: the job types that no live
    worker serves in the version that the run needs."""
    plan = None if run.planning else run.plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {
        "id": run.id,
        "state": run.state,
        "goal": run.goal,
        "saved": run.saved,
        "tenant": run.tenant,
        "tags": list(run.tags),
        "priority": run.priority,
        "created_ms": run.created_ms,
        "deadline_ms": run.deadline_ms,
        "confirm": run.confirm,
        "plan": plan,
        **shown(run.reading),
        "plans": [{**draft.plan, **shown(draft)} for draft in run.candidates],
        "reason": run.reason or None,
        "explanation": explanation(run),
        "steps": {name: _progress_view(progress) for name, progress in run.steps.items()},
        "result": result,
        "failure": run.failure.model_dump(mode="json") if run.failure else None,
        "paused": sorted(_waits_for(run) & set(paused)),
        "unserved": list(unserved),
        "versions": {name: each.version for name, each in sorted(run.versions.items())},
    }


def _waits_for(run: Run) -> set[str]:
    """The job types whose jobs the run waits for."""
    if run.state is not RunState.RUNNING:
        return set()
    released = [step for step in run.plan.steps if run.steps[step.id].state is StepState.RELEASED]
    asked = (progress for step in released if (progress := run.steps[step.id]).asked)
    return {step.type for step in released} | {progress.fallback for progress in asked if progress.fallback}


def _progress_view(progress: Progress) -> Json:
    return progress.model_dump(mode="json", exclude={"seen", "asked", "fallback"})


def job_view(followed: Followed) -> Json:
    """Show a job with the outcome that counts: its own, or that of its fallback."""
    job, answer, fallback = followed.job.job, followed.answer, followed.fallback
    outcome, at_work = answer.outcome if answer else None, followed.in_hand
    return {
        "id": job.id,
        "type": job.type,
        "state": followed.state,
        "tenant": job.tenant,
        "tags": list(job.tags),
        "priority": job.priority,
        "deadline_ms": job.deadline_ms,
        "attempt": at_work.attempt,
        "worker": at_work.worker,
        "unserved": followed.unserved,
        "fallback": _fallback_view(followed.job, fallback) if fallback else None,
        "same_as": outcome.same_as if outcome else None,
        "output": outcome.output if outcome else None,
        "confidence": outcome.confidence if outcome else None,
        "alternatives": _alternatives_view(outcome) if outcome else None,
        "failure": outcome.failure.model_dump(mode="json") if outcome and outcome.failure else None,
        "usage": outcome.usage.model_dump(mode="json") if outcome else None,
        "provenance": _provenance_view(outcome.provenance) if outcome and outcome.provenance else None,
    }


def _provenance_view(provenance: Provenance) -> Json:
    return provenance.model_dump(mode="json") | {"trained": provenance.trained}


def _alternatives_view(outcome: Outcome) -> Json | None:
    """Show the values by field; None if the job asked for none, or its model tells none."""
    told = outcome.alternatives
    return {field: [each.model_dump() for each in pairs] for field, pairs in told.items()} if told else None


def _fallback_view(first: JobStatus, fallback: JobStatus) -> Json:
    """Show the fallback's specialist, the state of its job, and the confidence of the first output."""
    confidence = first.outcome.confidence if first.outcome else None
    return {"id": fallback.job.id, "type": fallback.job.type, "state": fallback.state, "first_confidence": confidence}


def saved_plan_view(name: str, saved: SavedPlan) -> Json:
    return {"name": name, **saved.model_dump(mode="json")}


def letter_view(letter: DeadLetter) -> Json:
    return letter.model_dump(mode="json")


def letter_whole_view(status: JobStatus, cause: Cause) -> Json:
    """Show a dead letter with the job's input, for somebody who mends the job. No other view has an input."""
    return {**job_view(Followed(status)), "cause": cause, "input": status.job.input}


def load_view(backlog: Backlog, tenant: str, priority: Priority) -> Json:
    """Show how many jobs of a type wait. Of the tenants it shows only the numbers of the tenant that asks."""
    wait, load = wait_s(Bid("", tenant, priority), backlog), backlog.load
    return {
        "state": load.state,
        "ready": {each: sum(load.ready.get(each, {}).values()) for each in Priority},
        "own": {each: load.ready.get(each, {}).get(tenant, 0) for each in Priority},
        "sent": load.sent,
        "tokens": load.tokens,
        "tokens_per_s": None if load.tokens_per_s is None else round(load.tokens_per_s, 3),
        "predicted_wait_s": None if wait is None else round(wait, 3),
    }


def job_type_view(specialist: Specialist, state: TypeState = TypeState.OPEN) -> Json:
    manifest = specialist.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "description": manifest.description,
        "trained": manifest.trained,
        "state": state,
        "input_schema": specialist.written[0],
        "output_schema": specialist.written[1],
    }


def specialist_view(specialist: Specialist) -> Json:
    manifest = specialist.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "trained": manifest.trained,
        "engine": manifest.engine,
        "base": manifest.base.model_dump(mode="json") if manifest.base else None,
        "adapter": manifest.adapter.model_dump(mode="json") if manifest.adapter else None,
        "decoding": manifest.decoding.model_dump(mode="json") if manifest.decoding else None,
        "limits": manifest.limits.model_dump(mode="json"),
        "digest": specialist.digest,
        "notices": list(specialist.notices),
    }
