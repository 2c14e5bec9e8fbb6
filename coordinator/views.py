"""Views: runs, jobs and specialists as the HTTP API shows them. Knows neither the ledger's keys nor the routes."""

from __future__ import annotations

from typing import Any

from coordinator.progress import Progress
from coordinator.run import Run
from infra.records import JobStatus, Json
from specialists.specialist import Specialist


def goal_view(run: Run, result: Any = None) -> Json:
    """A run; `result` where it has succeeded."""
    plan = None if run.planning else run.plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {
        "id": run.id,
        "state": run.state,
        "goal": run.goal,
        "created_ms": run.created_ms,
        "deadline_ms": run.deadline_ms,
        "plan": plan,
        "repairs": list(run.repairs),
        "steps": {name: _progress_view(progress) for name, progress in run.steps.items()},
        "result": result,
        "failure": run.failure.model_dump(mode="json") if run.failure else None,
    }


def _progress_view(progress: Progress) -> Json:
    return progress.model_dump(mode="json", exclude={"seen"})


def job_view(status: JobStatus) -> Json:
    outcome = status.outcome
    return {
        "id": status.job.id,
        "type": status.job.type,
        "state": status.state,
        "attempt": status.attempt,
        "worker": status.worker,
        "output": outcome.output if outcome else None,
        "failure": outcome.failure.model_dump(mode="json") if outcome and outcome.failure else None,
        "usage": outcome.usage.model_dump(mode="json") if outcome else None,
        "provenance": outcome.provenance.model_dump(mode="json") if outcome and outcome.provenance else None,
    }


def job_type_view(specialist: Specialist) -> Json:
    manifest = specialist.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "description": manifest.description,
        "input_schema": specialist.input_schema,
        "output_schema": specialist.output_schema,
    }


def specialist_view(specialist: Specialist) -> Json:
    manifest = specialist.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "engine": manifest.engine,
        "base": manifest.base.model_dump(mode="json") if manifest.base else None,
        "adapter": manifest.adapter.model_dump(mode="json") if manifest.adapter else None,
        "decoding": manifest.decoding.model_dump(mode="json") if manifest.decoding else None,
        "limits": manifest.limits.model_dump(mode="json"),
        "digest": specialist.digest,
    }
