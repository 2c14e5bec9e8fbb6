"""Escalation: who is asked the same where a specialist is too unsure of its output. Decides only; asks nobody."""

from __future__ import annotations

from collections.abc import Callable

from infra.records import Job, JobStatus, Outcome
from specialists.catalog import Catalog
from specialists.manifest import Fallback

#: A job's id -> what the ledger knows of it; None: nothing any more. Asked only of a job whose fallback is asked too.
Known = Callable[[str], JobStatus | None]


def rule_of(outcome: Outcome, job_type: str, catalog: Catalog) -> Fallback | None:
    """Whom to ask after an outcome of a job of `job_type`. None: it stands, as it is sure enough, or has no output."""
    if outcome.output is None or outcome.confidence is None or outcome.of_fallback or job_type not in catalog:
        return None
    rule = catalog.get(job_type).manifest.fallback
    return rule if rule and rule.to in catalog and outcome.confidence < rule.below else None


def standing(outcome: Outcome, known: Known) -> Outcome:
    """The outcome that counts: the first one, where a fallback has no output."""
    if not outcome.of_fallback or outcome.output is not None:
        return outcome
    first = known(Job.name(outcome.run_id, outcome.step_id, outcome.index))
    return first.outcome if first and first.outcome else outcome
