"""Plans a goal in this process: asks the planner, and decides on its answer as for a run. Runs no plan."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from coordinator.goals.input_names import input_faults
from coordinator.plans.answer import Confirm, Draft, Kind, read_answer, shown
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Limits, Plan, PlanRefused
from coordinator.plans.planner_input import planner_input, with_answers
from coordinator.plans.planning import Accepted, Asking, Refused, decide, is_askable
from coordinator.rehearsal.cost import Cost, Jobs
from coordinator.rehearsal.planner import Answer, Planner, PlannerFailed, nobody
from infra.records import Json
from specialists.catalog import Catalog


@dataclass(frozen=True)
class Candidate:
    """A draft of the planner, and the plan that it compiles to."""

    draft: Draft
    plan: Plan


@dataclass(frozen=True)
class Planned:
    """The result of planning."""

    answer: Literal["plan", "unsure", "refused", "failed"]  #: failed: no plan in the planner's answer can run
    candidates: Sequence[Candidate] = ()  #: the plan that would run, or the plans to choose from, the best first
    reason: str | None = None  #: why there is not just one plan that runs
    confidence: float | None = None  #: the planner's confidence in its best plan, 0 to 1; None if it gave no answer
    draft: Json | None = None  #: the best plan as the planner wrote it; None if it wrote none
    seconds: float = 0.0  #: how long planning took


def plan_goal(
    goal: str, inputs: Json, catalog: Catalog, limits: Limits, planner: Planner, answer: Answer = nobody
) -> Planned:
    """Plan a goal. If it cannot be planned, the result says so; no error is raised. `answer`: answers the asks."""
    faults = [*([] if goal.strip() else ["goal: is empty; say what to reach"]), *input_faults(inputs)]
    if faults:
        return Planned("failed", reason="; ".join(faults))
    started = time.monotonic()
    planned = _asked(goal, inputs, catalog, limits, partial(_told, planner, answer, catalog))
    return replace(planned, seconds=round(time.monotonic() - started, 3))


def _told(planner: Planner, answer: Answer, catalog: Catalog, asked: Json) -> Json:
    """The planner's output. If it asks others first, it is asked again with their answers. Raises what they raise."""
    output = planner(asked)
    if output.get("answer") != Kind.ASK:
        return output
    asks = read_answer(output).asks
    heard = [answer(each.type, each.input) if is_askable(each, catalog) else nobody() for each in asks]
    return planner(with_answers(asked, [(each, *said) for each, said in zip(asks, heard, strict=True)]))


def _asked(goal: str, inputs: Json, catalog: Catalog, limits: Limits, planner: Planner) -> Planned:
    try:
        output = planner(planner_input(goal, inputs, catalog))
    except (PlannerFailed, PlanRefused) as failed:
        return Planned("failed", reason=str(failed))
    except Exception as error:  # noqa: BLE001 - engines are anybody's code: one goal's fault must not end the others
        return Planned("failed", reason=f"the planner failed: {type(error).__name__}: {error}")
    try:
        answer = read_answer(output)
    except PlanRefused as refused:
        return Planned("failed", reason=str(refused))
    draft = answer.plans[0].plan if answer.plans else None
    try:
        decided = decide(output, Confirm.IF_UNSURE, catalog, inputs, limits)
    except PlanRefused as refused:
        return Planned("failed", (), str(refused), answer.confidence, draft)
    if isinstance(decided, Asking):
        return Planned("failed", (), "the planner's answer: asks once more", answer.confidence, draft)
    if isinstance(decided, Refused):
        return Planned("refused", (), decided.reason, answer.confidence, draft)
    if isinstance(decided, Accepted):
        return Planned("plan", (Candidate(decided.draft, decided.plan),), None, decided.draft.confidence, draft)
    found = [Candidate(each, compile_plan(each.plan, catalog, inputs, limits)) for each in decided.drafts]
    return Planned("unsure", found, decided.reason, answer.confidence, draft)


def planned_view(planned: Planned, costs: Mapping[int, Cost]) -> Json:
    """The result for programs. `costs`: the cost of each candidate, by its place."""
    return {
        "answer": planned.answer,
        "confidence": planned.confidence,
        "reason": planned.reason,
        "plans": [_candidate_view(each, costs[place]) for place, each in enumerate(planned.candidates)],
        "seconds": planned.seconds,
    }


def _candidate_view(candidate: Candidate, cost: Cost) -> Json:
    reading = shown(candidate.draft.reading)
    jobs = {step: _jobs_view(each) for step, each in cost.steps.items()}
    return {"plan": candidate.plan.draft, **reading, "jobs": jobs, "jobs_in_all": _jobs_view(cost.jobs)}


def _jobs_view(jobs: Jobs) -> Json | None:
    """None if the number of jobs is not known before the plan runs."""
    return None if jobs.count is None else {"count": jobs.count, "exact": jobs.exact}
