"""Fallbacks: which specialist gets the same job if a specialist is too unsure of its output. Decides; asks nobody."""

from __future__ import annotations

from collections.abc import Callable

from infra.records import Job, JobStatus, Outcome
from specialists.catalog import Catalog
from specialists.manifest import Fallback

#: A job's id -> its status in the ledger; None if it is there no more. It is called only where a fallback is involved.
Known = Callable[[str], JobStatus | None]


def rule_of(outcome: Outcome, job_type: str, catalog: Catalog) -> Fallback | None:
    """The fallback to ask after an outcome of a job of `job_type`.

    None if the outcome stands: it is sure enough, it has no output or no confidence, it comes from a fallback already,
    or there is no fallback here.
    """
    if outcome.output is None or outcome.confidence is None or outcome.of_fallback or job_type not in catalog:
        return None
    rule = catalog.get(job_type).manifest.fallback
    return rule if rule and rule.to in catalog and outcome.confidence < rule.below else None


def standing(outcome: Outcome, known: Known) -> Outcome:
    """The outcome that counts. If a fallback has no output, it is the outcome of the job before it."""
    if not outcome.of_fallback or outcome.output is not None:
        return outcome
    first = known(Job.name(outcome.run_id, outcome.step_id, outcome.index))
    return first.outcome if first and first.outcome else outcome
