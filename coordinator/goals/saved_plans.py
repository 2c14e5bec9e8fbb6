"""Saved plans: checks plans, keeps them by tenant and name, and finds them again. Knows no HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from pydantic_core import to_json

from coordinator.goals.goals import Goals
from coordinator.goals.input_names import input_faults
from coordinator.goals.refusals import GoalRefused, Unknown, UnknownRun
from coordinator.plans.compiler import compile_open
from coordinator.plans.holes import hole_faults, hole_of
from coordinator.plans.plan import PlanRefused
from coordinator.plans.saved_plan import PlanRequest, SavedPlan, UnreadablePlan, inputs_used, name_fault
from infra.ledger.protocols.saved_plans import SavedPlanStore
from infra.records import Json, Saving
from specialists.catalog import Catalog

MOST = 200  #: the most plans of one tenant, as they are listed whole and kept until somebody deletes them
PLAN_BYTES = 64_000  #: the most bytes of one plan with its holes, as JSON

logger = logging.getLogger(__name__)


class UnknownPlan(Unknown):
    def __init__(self, name: str) -> None:
        super().__init__(f"no saved plan {name[:200]!r} of this tenant")


class SavedPlans:
    def __init__(self, ledger: SavedPlanStore, catalog: Catalog, goals: Goals) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._goals = goals

    def save(self, tenant: str, name: str, request: PlanRequest) -> tuple[SavedPlan, bool]:
        """Keep a plan. Returns it as it is kept, and whether its name is new. Raises GoalRefused with all faults."""
        saved = self._of_run(request, request.run) if request.run is not None else _as_sent(request)
        if faults := [*filter(None, [name_fault(name)]), *self._faults(saved)]:
            raise GoalRefused(faults)
        saving = self._ledger.save_plan(tenant, name, saved.model_dump(mode="json"), MOST)
        if saving is Saving.FULL:
            raise GoalRefused([f"plans: the tenant has {MOST} already; delete one, or replace one of them"])
        return saved, saving is Saving.NEW

    def load(self, tenant: str, name: str) -> SavedPlan:
        """Raises UnknownPlan, UnreadablePlan."""
        body = self._ledger.saved_plan(tenant, name)
        if body is None:
            raise UnknownPlan(name)
        return SavedPlan.load(name, body)

    def all(self, tenant: str) -> dict[str, SavedPlan]:
        """The tenant's plans by name, without those that cannot be read."""
        return dict(self._readable(tenant))

    def delete(self, tenant: str, name: str) -> None:
        """Raises UnknownPlan."""
        if not self._ledger.delete_plan(tenant, name):
            raise UnknownPlan(name)

    def _of_run(self, request: PlanRequest, run_id: str) -> SavedPlan:
        """The plan of a goal's run, with a hole for each input that it refers to. Raises GoalRefused."""
        try:
            run = self._goals.load(run_id)
        except UnknownRun as error:
            raise GoalRefused([f"run: {error}"]) from None
        if run.planning:
            raise GoalRefused([f"run: the goal has no plan: it is {run.state}"])
        draft, given = run.plan.draft, self._goals.inputs(run)
        used = inputs_used(draft)
        names = given if used is None else [name for name in used if name in given]
        return SavedPlan(plan=draft, inputs={name: hole_of(given[name]) for name in names} | request.inputs)

    def _faults(self, saved: SavedPlan) -> list[str]:
        size = len(to_json(saved.model_dump(mode="json")))
        if size > PLAN_BYTES:
            return [f"plan: {size} bytes with its inputs, a saved plan may have {PLAN_BYTES}"]
        wrong = [*input_faults(saved.inputs), *hole_faults(saved.inputs)]
        used = inputs_used(saved.plan)
        used = list(saved.inputs) if used is None else used
        missing = [name for name in used if name not in saved.inputs]
        faults = [f"inputs.{name}: the plan refers to it; say its JSON Schema" for name in missing]
        faults += [f"inputs.{name}: the plan does not refer to it" for name in saved.inputs if name not in used]
        if wrong:
            return [*wrong, *faults]
        return [*faults, *self._plan_faults(saved.plan, {name: {} for name in missing} | saved.inputs)]

    def _plan_faults(self, draft: Json, holes: dict[str, Json]) -> list[str]:
        try:
            compile_open(draft, self._catalog, holes, self._goals.limits)
        except PlanRefused as refused:
            return refused.faults
        return []

    def _readable(self, tenant: str) -> Iterator[tuple[str, SavedPlan]]:
        for name, body in self._ledger.saved_plans(tenant).items():
            try:
                yield name, SavedPlan.load(name, body)
            except UnreadablePlan as error:
                logger.warning("%s; it is left out", error, extra={"action": "read"})


def _as_sent(request: PlanRequest) -> SavedPlan:
    assert request.plan is not None
    return SavedPlan(plan=request.plan, inputs=request.inputs)
