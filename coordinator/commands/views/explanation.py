"""An explanation in lines for people: why a goal has its plan, several or none. Knows the API's views; asks nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coordinator.commands.views.plans import reading_lines
from coordinator.commands.views.values import written
from infra.records import Json


def explanation_lines(goal: Json, job_types: Sequence[Json]) -> list[str]:
    """The lines that explain a goal. `job_types`: the API's view of all, to describe those that come near."""
    told = goal["explanation"]
    if told is None:
        return list(_plan_lines(goal))
    missing = [f"missing: {', '.join(told['missing'])}"] if told["missing"] else []
    return [f"{goal['state']}: {told['why']}", *missing, *_choice_lines(goal), *_nearest_lines(told, job_types)]


def _choice_lines(goal: Json) -> Iterator[str]:
    """The plans that were considered, by number, the best first."""
    for number, plan in enumerate(goal["plans"], 1):
        words, *grounded = reading_lines(plan)
        yield f"{number}  {words}"
        yield from (f"    {line}" for line in map(_step_line, plan["steps"]))
        yield from (f"  {line}" for line in grounded)


def _nearest_lines(told: Json, job_types: Sequence[Json]) -> Iterator[str]:
    known = {each["name"]: each for each in job_types}
    if told["nearest"]:
        yield "nearest job types:"
    for name in told["nearest"]:
        if name not in known:
            yield f"  {name}: is here no more"
            continue
        takes = ", ".join(known[name]["input_schema"].get("properties", {}))
        yield f"  {name} takes {takes or 'nothing'}: {known[name]['description']}"


def _plan_lines(goal: Json) -> Iterator[str]:
    """The lines for a goal without an explanation: the plan that it has, and who made it."""
    if goal["plan"] is None:
        failure = goal["failure"] or {}
        yield f"{goal['state']}: {failure.get('message', 'the goal has no plan')}"
        return
    whose = "the planner's" if goal["confidence"] is not None else "its caller's"
    saved = f", saved as {goal['saved']}" if goal["saved"] else ""
    yield f"{goal['state']}: the plan is {whose}{saved}"
    yield from (f"  {line}" for line in map(_step_line, goal["plan"]["steps"]))
    yield from reading_lines(goal)


def _step_line(step: Json) -> str:
    each = f" for each of {written(step['map']['over'])}" if "map" in step else ""
    args = ", ".join(f"{name}={written(value)}" for name, value in step.get("args", {}).items())
    return f"{step['id']} {step['type']}{each}{f': {args}' if args else ''}"
