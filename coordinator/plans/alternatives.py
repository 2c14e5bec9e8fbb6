"""Alternatives: whether a job type can tell how likely other values of its labels are. Pure."""

from __future__ import annotations

from specialists.catalog import Catalog
from specialists.specialist import Specialist


def top_fault(job_type: str, top: int | None, catalog: Catalog) -> str | None:
    """Why `top` cannot be asked of a job type of the catalog; None if it can, or is not asked."""
    specialist = catalog.get(job_type)
    if top is None or specialist.labels:
        return None
    able = [name for name in catalog.names() if catalog.get(name).labels]
    others = f", or ask one of {', '.join(able)}" if able else ""
    return (
        f"top: job type {job_type!r} {_how(specialist)}, so it cannot tell how likely other answers are; "
        f"leave 'top' out{others}"
    )


def _how(specialist: Specialist) -> str:
    if specialist.manifest.head:
        return "reads no field off as one label"
    return "writes its answer" if specialist.manifest.decoding else "reads no answer off a model"
