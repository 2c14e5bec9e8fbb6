"""New runs: makes a run of each sound request, and names all faults of the others. Stores nothing."""

from __future__ import annotations

import time
from uuid import uuid4

from coordinator.goals.input_names import input_faults
from coordinator.goals.refusals import GoalRefused
from coordinator.goals.request import Goal, JobRequest
from coordinator.plans import references
from coordinator.plans.alternatives import top_fault
from coordinator.plans.answer import Confirm
from coordinator.plans.compiler import compile_plan, narrowed
from coordinator.plans.plan import Limits, Plan, PlanRefused, Step, planning
from coordinator.plans.planner_input import planner_input
from coordinator.plans.saved_plan import SavedPlan
from coordinator.runs.run import Run
from infra.ledger.protocols.saved_plans import SavedPlanReader
from infra.records import Job, Json
from infra.tracing import traceparent
from specialists.catalog import Catalog
from specialists.offers import PLANNER

#: The id of the one step in the run of a job that is sent alone, and the name of its input.
JOB_STEP = "job"


class NewRuns:
    def __init__(self, ledger: SavedPlanReader, catalog: Catalog, limits: Limits) -> None:
        """`ledger`: is asked for saved plans. `limits`: the limits of this deployment."""
        self._ledger = ledger
        self._catalog = catalog
        self._limits = limits

    def of_goal(self, goal: Goal, tenant: str) -> Run:
        """The run of a goal. Raises UnreadablePlan, and GoalRefused with all faults."""
        faults = input_faults(goal.inputs)
        limits = narrowed(self._limits, goal.limits, faults)
        plan = asked = None
        if [goal.goal, goal.plan, goal.saved].count(None) != 2:
            faults.append("send one of 'goal' (words), 'plan' and 'saved' (the name of a saved plan)")
        elif goal.goal is not None:
            asked = self._asked(goal.goal, goal.inputs, faults)
            plan = planning(limits)
        else:
            goal = self._filled(goal, tenant, faults)
            plan = self._compiled(goal, limits, faults)
        if faults or plan is None:
            raise GoalRefused(faults)
        return Run.of_plan(
            uuid4().hex, plan, goal.inputs, now_ms(), goal=goal.goal, saved=goal.saved, asked=asked,
            confirm=goal.confirm, trace=traceparent(), tenant=tenant, priority=goal.priority,
            tags=goal.tags,
        )  # fmt: skip

    def of_job(self, request: JobRequest, tenant: str) -> Run:
        """The run of a single job, with one step. Raises GoalRefused with all faults."""
        if request.type not in self._catalog:
            raise GoalRefused([f"unknown job type {request.type!r}; known: {', '.join(self._catalog.names())}"])
        faults = self._catalog.get(request.type).input_faults(request.input)
        faults += filter(None, [top_fault(request.type, request.top, self._catalog)])
        limits = narrowed(self._limits, request.limits(), faults)
        if faults:
            raise GoalRefused(faults)
        # The step refers to its input, so that an input with "$ref" in it is taken as data.
        args = {references.KEY: f"{references.INPUTS}.{JOB_STEP}"}
        step = Step(id=JOB_STEP, type=request.type, args=args, top=request.top)
        plan = Plan(steps=(step,), result={references.KEY: JOB_STEP}, limits=limits)
        return Run.of_plan(
            uuid4().hex, plan, {JOB_STEP: request.input}, now_ms(),
            trace=traceparent(), tenant=tenant, priority=request.priority, tags=request.tags,
        )  # fmt: skip

    def _filled(self, goal: Goal, tenant: str, faults: list[str]) -> Goal:
        """The goal with the saved plan that it names and all inputs of that. Without such a name it stays as it is."""
        if goal.saved is None:
            return goal
        body = self._ledger.saved_plan(tenant, goal.saved)
        if body is None:
            faults.append(f"saved: no saved plan {goal.saved[:200]!r} of tenant {tenant!r}")
            return goal
        saved = SavedPlan.load(goal.saved, body)
        if found := saved.faults(goal.inputs):
            faults += found
            return goal
        filled = {"plan": saved.draft(goal.limits), "inputs": saved.filled(goal.inputs)}
        return goal.model_copy(update=filled)

    def _compiled(self, goal: Goal, limits: Limits, faults: list[str]) -> Plan | None:
        if goal.confirm is Confirm.ALWAYS:
            faults.append("confirm: a plan that is sent runs as it is; 'always' is for goals in words")
        if goal.plan is None:  # the faults of the saved plan, or of its inputs, are named already
            return None
        try:
            return compile_plan(goal.plan, self._catalog, goal.inputs, limits)
        except PlanRefused as refused:
            faults += refused.faults
            return None

    def _asked(self, words: str, inputs: Json, faults: list[str]) -> Json | None:
        """The planner's input."""
        if not words.strip():
            faults.append("goal: is empty; say what to reach")
            return None
        if PLANNER not in self._catalog:
            faults.append(f"goal: no specialist {PLANNER!r} here to plan words; send a plan")
            return None
        asked = planner_input(words, inputs, self._catalog)
        faults += self._catalog.get(PLANNER).input_faults(asked)
        return asked


def only_job(run_id: str) -> str:
    """The id of the job in the run of a job that was sent alone."""
    return Job.name(run_id, JOB_STEP, 0)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
