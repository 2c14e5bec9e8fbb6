"""Plans for people: as a table, and in words, with what the planner says of them. Knows the API's views."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from coordinator.commands.data_files import GivenError
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
    """A goal's plan, or the first that it is unsure of, as it can be handed in again: without its limits. Raises
    GivenError where it has none."""
    plan = goal["plan"] or next(iter(goal["plans"]), None)
    if plan is None:
        raise GivenError(f"goal {goal['id']} is {goal['state']} and has no plan")
    return {name: plan[name] for name in ("steps", "result") if name in plan}


def reading_lines(told: Json) -> list[str]:
    """What the planner says of a plan: its words, how sure they are, and where its values come from."""
    if told["confidence"] is None:
        return []
    found = [f"{told['words'] or 'the plan'} ({told['confidence']:.2f})"]
    for each in told["grounded"]:
        value = short(json.dumps(each["value"], ensure_ascii=False))
        by = f", as {each['by']} reads it" if each.get("by") else ""
        found.append(f'  {each["step"]} {each["argument"]} = {value}, from "{each["from"]}"{by}')
    return found


def choices_text(goal: Json) -> Text:
    """The plans that an unsure goal waits for a choice of, by number."""
    lines = [f"unsure: {goal['reason']}" if goal["reason"] else "unsure: this is to be confirmed before it runs"]
    for number, plan in enumerate(goal["plans"], 1):
        first, *rest = reading_lines({**plan, "words": plan["words"] or steps_in_words(plan["steps"])})
        lines += [f"{number}  {first}", *(f"  {line}" for line in rest)]
    return Text("\n".join(lines), style="yellow")


def steps_in_words(steps: Sequence[Json]) -> str:
    return ", then ".join(f"{step['type']}{' for each' if 'map' in step else ''}" for step in steps)
