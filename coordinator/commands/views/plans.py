"""Plans for people: as a table, and in the planner's words. Knows the API's views."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from coordinator.commands.data_forms import GivenError
from coordinator.commands.views.values import short, written
from infra.records import Json


def plan_table(plan: Json) -> Table:
    table = Table(title="Plan", title_justify="left")
    for name in ("step", "job type", "for each", "with"):
        table.add_column(name, overflow="fold")
    for step in plan["steps"]:
        each = written(step["map"]["over"]) if "map" in step else ""
        with_ = ", ".join(f"{name}={written(value)}" for name, value in step.get("args", {}).items())
        table.add_row(step["id"], step["type"], each, Text(with_))
    return table


def plan_of(goal: Json) -> Json:
    """A goal's plan, or the first plan of an unsure goal, as it can be sent again: without its limits.

    Raises GivenError if it has none."""
    plan = goal["plan"] or next(iter(goal["plans"]), None)
    if plan is None:
        raise GivenError(f"goal {goal['id']} is {goal['state']} and has no plan")
    return {name: plan[name] for name in ("steps", "result") if name in plan}


def reading_lines(told: Json) -> list[str]:
    """The planner's words for a plan, its confidence, and the words of the goal that its values come from."""
    if told["confidence"] is None:
        return []
    found = [f"{told['words'] or 'the plan'} ({told['confidence']:.2f})"]
    for each in told["grounded"]:
        value = short(json.dumps(each["value"], ensure_ascii=False))
        by = f", as {each['by']} reads it" if each.get("by") else ""
        found.append(f'  {each["step"]} {each["argument"]} = {value}, from "{each["from"]}"{by}')
    return found


def choices_text(goal: Json) -> Text:
    """The numbered plans that somebody has to choose from in an unsure goal."""
    lines = [f"unsure: {goal['reason']}" if goal["reason"] else "unsure: this is to be confirmed before it runs"]
    for number, plan in enumerate(goal["plans"], 1):
        first, *rest = reading_lines({**plan, "words": plan["words"] or steps_in_words(plan["steps"])})
        lines += [f"{number}  {first}", *(f"  {line}" for line in rest)]
    return Text("\n".join(lines), style="yellow")


def steps_in_words(steps: Sequence[Json]) -> str:
    return ", then ".join(f"{step['type']}{' for each' if 'map' in step else ''}" for step in steps)
