"""Lets a run follow the planner's answer: with a plan, a question to the caller, a refusal, or asks. Stores nothing."""

from __future__ import annotations

from functools import partial

from coordinator.plans import references
from coordinator.plans.answer import shown
from coordinator.plans.plan import PLANNING, PlanRefused
from coordinator.plans.planning import Accepted, Asking, Decision, Refused, Unsure, decide, is_askable
from coordinator.runs.decisions.events import accepted_event
from coordinator.runs.decisions.open_run import OpenRun
from coordinator.runs.progress import Progress
from coordinator.runs.run import UNSAID, RunFailure
from coordinator.runs.versions import pinned
from infra.records import FailureKind, Json, RunState
from specialists.catalog import Catalog


class Answers:
    def __init__(self, open_run: OpenRun, catalog: Catalog) -> None:
        self._open = open_run
        self._catalog = catalog

    def read(self, step_id: str, output: Json, progress: Progress) -> None:
        """Follow the planner's `output` for the planning step `step_id`. The run fails if no plan in it can run."""
        try:
            decision = self._decision(step_id, output)
        except PlanRefused as refused:
            message = f"the planner has no plan that can run: {refused}"
            faults = tuple(refused.faults)
            self._open.fail(RunFailure(kind=FailureKind.PLAN, message=message, step=step_id, faults=faults))
            return
        self._open.steps[step_id] = progress.counted(0, "succeeded").done()
        self._follow(decision)

    def _decision(self, step_id: str, output: Json) -> Decision:
        """Raises PlanRefused."""
        run = self._open.run
        inputs = self._open.values([references.INPUTS])[references.INPUTS]
        decision = decide(output, run.confirm, self._catalog, inputs, run.plan.limits)
        if isinstance(decision, Asking) and step_id != PLANNING:
            raise PlanRefused(["the planner's answer: asks once more"])
        return decision

    def _follow(self, decision: Decision) -> None:
        match decision:
            case Asking():
                self._ask(decision)
            case Accepted():
                self._go_on(decision)
            case Unsure():
                self._wait(decision)
            case Refused():
                self._open.update(reason=decision.reason, missing=decision.missing, nearest=decision.nearest)
                self._open.end(RunState.REFUSED)

    def _ask(self, asking: Asking) -> None:
        asking_run = self._open.run.asking(asking.asks, partial(is_askable, catalog=self._catalog))
        self._open.run = pinned(asking_run, self._catalog)
        self._open.steps = {**self._open.run.steps, PLANNING: self._open.steps[PLANNING]}

    def _go_on(self, accepted: Accepted) -> None:
        planned = pinned(self._open.run.planned(accepted.plan, accepted.draft.reading), self._catalog)
        self._open.steps = {**planned.steps, **self._open.steps}
        self._open.run = planned
        self._open.events.append(accepted_event(planned))

    def _wait(self, unsure: Unsure) -> None:
        """Have the run wait until the caller has confirmed one of the plans."""
        told = {"state": RunState.UNSURE, "candidates": unsure.drafts, "reason": unsure.reason}
        self._open.update(**{**UNSAID, **told})
        plans = [{"choice": number, **shown(draft)} for number, draft in enumerate(unsure.drafts, 1)]
        self._open.tell("run.unsure", reason=unsure.reason, plans=plans)
