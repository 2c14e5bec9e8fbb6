"""Escalation: who is asked the same where a specialist is too unsure of its output. Decides only; asks nobody."""

from __future__ import annotations

from collections.abc import Callable

from infra.records import Json, Outcome
from specialists.catalog import Catalog
from specialists.specialist import Specialist

#: A job's id -> its input, as long as that is kept. Asked only of a job whose fallback is.
Asked = Callable[[str], Json | None]


def fallback_of(outcome: Outcome, job_type: str, catalog: Catalog) -> Specialist | None:
    """Of an outcome of a job of `job_type`. None: it stands, as it is sure enough, has no output, or nobody to ask."""
    if outcome.output is None or outcome.confidence is None or outcome.of_fallback or job_type not in catalog:
        return None
    fallback = catalog.get(job_type).manifest.fallback
    return catalog.get(fallback.to) if fallback and outcome.confidence < fallback.below else None
