"""The cost of a plan: the number of jobs of each step, as far as it is known before any has run. Runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.plans import references
from coordinator.plans.lengths import Lengths
from coordinator.plans.plan import Plan, Step
from infra.records import Json
from specialists.catalog import Catalog


@dataclass(frozen=True)
class Jobs:
    """A number of jobs. If `exact` is false, `count` is the most that there can be."""

    count: int | None  #: None if it is known only when the plan runs
    exact: bool = True


@dataclass(frozen=True)
class Cost:
    """The cost of a plan in jobs."""

    steps: Mapping[str, Jobs]  #: the jobs of each step, by its id
    jobs: Jobs  #: all jobs
    by_models: Jobs  #: the jobs that a model does


#: Functions that give out no more `items` than they are given.
_NO_MORE = frozenset({"filter", "sort", "top"})
UNKNOWN = Jobs(None)


def cost_of(plan: Plan, inputs: Json, catalog: Catalog) -> Cost:
    bounds = _Bounds(plan, inputs)
    steps = {step.id: bounds.jobs(step) for step in plan.steps}
    models = [jobs for step, jobs in zip(plan.steps, steps.values(), strict=True) if _by_model(step, catalog)]
    return Cost(steps, _sum(list(steps.values())), _sum(models))


def _by_model(step: Step, catalog: Catalog) -> bool:
    return catalog.get(step.type).manifest.inner_engine != "function"


def _sum(all_jobs: list[Jobs]) -> Jobs:
    counts = [jobs.count for jobs in all_jobs if jobs.count is not None]
    return Jobs(sum(counts), all(jobs.exact for jobs in all_jobs)) if len(counts) == len(all_jobs) else UNKNOWN


class _Bounds:
    """The number of jobs of each step, or else the most that it can have. The plan is checked, so it has no cycle."""

    def __init__(self, plan: Plan, inputs: Json) -> None:
        self._steps = {step.id: step for step in plan.steps}
        self._lengths = Lengths(plan.steps, inputs)

    def jobs(self, step: Step) -> Jobs:
        return self._length(step.map.over) if step.map else Jobs(1)

    def _length(self, value: Any) -> Jobs:
        """The length of a list, or of the list that a reference is to."""
        known = self._lengths.of(value)
        return Jobs(known) if known is not None else self._at_most(value)

    def _at_most(self, value: Any) -> Jobs:
        if not references.is_reference(value):
            return UNKNOWN
        head, *names = references.parts(value[references.KEY])
        step = self._steps.get(head)
        if step is None:
            return UNKNOWN
        if step.map:
            return UNKNOWN if names else self.jobs(step)
        if step.type == "table" and names == ["rows"]:
            return self._first_known(step.args.get("columns"))
        return self._no_more(step) if step.type in _NO_MORE and names == ["items"] else UNKNOWN

    def _first_known(self, columns: Any) -> Jobs:
        """The length of the columns, which are all equally long."""
        each = map(self._length, columns if isinstance(columns, list) else [])
        return next((length for length in each if length.count is not None), UNKNOWN)

    def _no_more(self, step: Step) -> Jobs:
        count, most = self._length(step.args.get("items")).count, step.args.get("n")
        if count is None:
            return Jobs(most, exact=False) if isinstance(most, int) else UNKNOWN
        return Jobs(min(count, most) if isinstance(most, int) else count, exact=False)
