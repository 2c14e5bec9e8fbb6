"""Escalation: who is asked the same where a specialist is too unsure of its output. Decides only; asks nobody."""

from __future__ import annotations

from collections.abc import Callable

from infra.records import Job, JobStatus, Outcome
from specialists.catalog import Catalog
from specialists.specialist import Specialist

#: A job's id -> what the ledger knows of it; None: nothing any more. Asked only of a job whose fallback is asked too.
Known = Callable[[str], JobStatus | None]


def fallback_of(outcome: Outcome, job_type: str, catalog: Catalog) -> Specialist | None:
    """Of an outcome of a job of `job_type`. None: it stands, as it is sure enough, has no output, or nobody to ask."""
    if outcome.output is None or outcome.confidence is None or outcome.of_fallback or job_type not in catalog:
        return None
    fallback = catalog.get(job_type).manifest.fallback
    return catalog.get(fallback.to) if fallback and outcome.confidence < fallback.below else None


def standing(outcome: Outcome, known: Known) -> Outcome:
    """The outcome that counts: the first one, where a fallback has no output."""
    if not outcome.of_fallback or outcome.output is not None:
        return outcome
    first = known(Job.name(outcome.run_id, outcome.step_id, outcome.index))
    return first.outcome if first and first.outcome else outcome
