"""Costs for people: how many jobs a plan has, in words. Counts nothing itself."""

from __future__ import annotations

from coordinator.rehearsal.cost import Cost, Jobs


def cost_words(cost: Cost) -> str:
    """A plan's cost in words: `9 jobs, 7 of them by models`."""
    jobs, models = cost.jobs.count, cost.by_models.count
    if jobs is None or models is None:
        least = sum(each.count for each in cost.steps.values() if each.count is not None and each.exact)
        return f"at least {_number(least)}; how many more is known when the plan runs"
    by = "by no model" if not models else "each by a model" if models == jobs else f"{models:,} of them by models"
    return f"{'' if cost.jobs.exact else 'at most '}{_number(jobs)}, {by}"


def jobs_words(jobs: Jobs) -> str:
    if jobs.count is None:
        return "jobs: known when it runs"
    return _number(jobs.count) if jobs.exact else f"at most {_number(jobs.count)}"


def _number(jobs: int) -> str:
    return "1 job" if jobs == 1 else f"{jobs:,} jobs"
