"""Versions: the schemas that a run's jobs are made for, so that workers with other schemas leave them alone. Pure.

A run keeps the schemas with which it began, however the catalog changes while it goes on, so that all its values have
one form. Workers of another version with the same schemas may do its jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from coordinator.runs.progress import StepState
from coordinator.runs.run import Run, Version
from infra.records import Job, Json, RunState
from specialists.catalog import Catalog
from specialists.specialist import Specialist

Served = Mapping[str, Mapping[str, str]]  #: job type -> schemas -> version of the specialist


def version_of(specialist: Specialist) -> Version:
    return Version(version=specialist.manifest.version, schemas=specialist.schemas)


def pinned(run: Run, catalog: Catalog) -> Run:
    """`run` with the versions of all job types of its plan. Versions that it has already stay."""
    types = {step.type for step in run.plan.steps if step.type in catalog} - run.versions.keys()
    return with_versions(run, (catalog.get(name) for name in sorted(types)))


def with_versions(run: Run, specialists: Iterable[Specialist]) -> Run:
    new = {each.name: version_of(each) for each in specialists if each.name not in run.versions}
    return run.model_copy(update={"versions": run.versions | new}) if new else run


def unpinned(run: Run) -> Run:
    """`run` without the versions of job types that it has no output of: it may go on with other versions of these."""
    kept = {step.type for step in run.plan.steps if run.steps[step.id].succeeded}
    return run.model_copy(update={"versions": {name: each for name, each in run.versions.items() if name in kept}})


def unserved(run: Run, served: Served) -> list[Json]:
    """The job types that the run waits for, but that no live worker serves in the version that it needs."""
    if run.state is not RunState.RUNNING:
        return []
    waiting = {step.type for step in run.plan.steps if run.steps[step.id].state is StepState.RELEASED}
    found = []
    for name in sorted(waiting):
        pin, there = run.versions.get(name), served.get(name, {})
        if not there or (pin and pin.schemas not in there):
            version = pin.version if pin else None
            found.append({"type": name, "version": version, "served": sorted(set(there.values()))})
    return found


def unserved_job(job: Job, served: Served, catalog: Catalog) -> Json | None:
    """The same of one job: its type, if no live worker serves that in the form that the job was made for."""
    there = served.get(job.type, {})
    if there and (job.schemas is None or job.schemas in there):
        return None
    known = catalog.get(job.type) if job.type in catalog else None
    version = known.manifest.version if known and known.schemas == job.schemas else None
    return {"type": job.type, "version": version, "served": sorted(set(there.values()))}


def served_by(workers: Mapping[str, Json]) -> Served:
    """The versions that `workers` serve. A worker that names no schemas is of an old release, and is not counted."""
    found: dict[str, dict[str, str]] = {}
    for about in workers.values():
        versions = about.get("serves") or {}
        for name, schemas in (about.get("schemas") or {}).items():
            found.setdefault(name, {})[schemas] = versions.get(name, "?")
    return found
