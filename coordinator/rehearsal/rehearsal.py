"""A rehearsal: plans the goal of each line and runs its plan in this process. Knows neither files nor terminals."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from coordinator.goals.input_names import input_faults
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Limits, Plan, PlanRefused
from coordinator.rehearsal.lines import Line, Rehearsed, State
from coordinator.rehearsal.planned import Planned, plan_goal
from coordinator.rehearsal.planner import Answer, Planner, nobody
from coordinator.rehearsal.running import run_plan
from coordinator.runs.run import RunFailure
from infra.records import Json
from specialists.catalog import Catalog


class Rehearsal:
    def __init__(
        self,
        catalog: Catalog,
        limits: Limits,
        load: Callable[[], Planner],
        load_answer: Callable[[], Answer] = lambda: nobody,
    ) -> None:
        """`load`: is called once, for the first goal. `load_answer`: is called once, when the planner first asks."""
        self._catalog = catalog
        self._limits = limits
        self._load = load
        self._load_answer = load_answer

    @cached_property
    def _planner(self) -> Planner:
        return self._load()

    @cached_property
    def _answer(self) -> Answer:
        return self._load_answer()

    def rehearse(self, line: Line) -> Rehearsed:
        """Try a line. Raises the errors of loading the planner."""
        return self._planned(line, line.goal) if line.goal is not None else self._given(line)

    def plan(self, goal: str, inputs: Json) -> Planned:
        """Plan a goal and run nothing. Raises the errors of loading the planner."""
        answer: Answer = lambda job_type, job_input: self._answer(job_type, job_input)  # noqa: E731 - loaded on use
        return plan_goal(goal, inputs, self._catalog, self._limits, self._planner, answer)

    def _planned(self, line: Line, goal: str) -> Rehearsed:
        planned = self.plan(goal, line.inputs)
        told = Rehearsed(
            id=line.id,
            state=State.FAILED,
            plan=planned.candidates[0].plan.draft if planned.candidates else planned.draft,
            reason=planned.reason,
            confidence=planned.confidence,
            seconds=planned.seconds,
        )
        if planned.answer == "plan":
            return self._run(told, planned.candidates[0].plan, line)
        return told.model_copy(update={"state": State(planned.answer)})

    def _given(self, line: Line) -> Rehearsed:
        faults = input_faults(line.inputs)
        told = Rehearsed(id=line.id, state=State.FAILED, plan=line.plan)
        try:
            plan = compile_plan(line.plan, self._catalog, line.inputs, self._limits)
        except PlanRefused as refused:
            return told.model_copy(update={"reason": "; ".join([*faults, *refused.faults])})
        if faults:
            return told.model_copy(update={"reason": "; ".join(faults)})
        return self._run(told.model_copy(update={"plan": plan.draft}), plan, line)

    def _run(self, told: Rehearsed, plan: Plan, line: Line) -> Rehearsed:
        ended = run_plan(plan, line.inputs, self._catalog, line.answers)
        if ended.failure:
            return told.model_copy(update={"reason": _sentence(ended.failure)})
        return told.model_copy(update={"state": State.SUCCEEDED, "result": ended.result})


def _sentence(failure: RunFailure) -> str:
    where = f"step {failure.step!r}" if failure.step else "the run"
    where += f", item {failure.index}" if failure.index is not None else ""
    return failure.message if failure.message.startswith("step ") else f"{where}: {failure.kind}: {failure.message}"
