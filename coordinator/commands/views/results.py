"""Results for people: tables for lists of objects, or the reason for no result. Knows the API's views."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.commands.views.values import cell
from infra.records import Json

LEFT_OUT_SHOWN = 5  #: how many left-out places are shown for each step


def result_view(goal: Json) -> RenderableType:
    """The result of a goal that succeeded, with tables for its lists of objects."""
    result, steps = goal["result"], {step["id"]: step["type"] for step in goal["plan"]["steps"]}
    if isinstance(result, dict) and result and result.keys() <= steps.keys():
        return Group(*(_value_view(value, f"{name} {steps[name]}") for name, value in result.items()))
    return _value_view(result, "Result")


def failure_view(goal: Json) -> Text:
    failure = goal["failure"]
    if goal["state"] == "refused":
        return Text(f"refused: {goal['reason'] or 'no plan can do what is asked'}", style="red")
    if not failure:
        return Text(goal["state"], style="red")
    where = f" in step {failure['step']}" if failure["step"] else ""
    where += f", item {failure['index']}" if failure.get("index") is not None else ""
    return Text(f"{goal['state']}: {failure['kind']}{where}: {failure['message']}", style="red")


def left_out_lines(goal: Json) -> list[str]:
    """The outputs that a goal went on without: a line for each such step, and one for each of its first places."""
    lines = []
    for name, step in goal["steps"].items():
        places = [f"  item {each['index']}: {each['why']}" for each in step["left_out"][:LEFT_OUT_SHOWN]]
        if (count := step["skipped"] + step["defaulted"]) and places:
            more = [f"  … and {count - len(places)} more"] if count > len(places) else []
            lines += [f"step {name} left out {count} of {step['total']}:", *places, *more]
    return lines


def guessed_lines(goal: Json) -> list[str]:
    """The steps with outputs of a model that was never trained, a line for each."""
    return [
        f"step {name}: {step['guessed']} of {step['total']} outputs are guesses, of a model that was never trained"
        for name, step in goal["steps"].items()
        if step["guessed"]
    ]


def _value_view(value: Any, title: str) -> RenderableType:
    if _is_rows(value):
        return _rows_table(value, title)
    if isinstance(value, dict):
        lists = [name for name, child in value.items() if _is_rows(child)]
        if len(lists) == 1:
            rest = ", ".join(f"{name} {cell(child)}" for name, child in value.items() if name != lists[0])
            return _rows_table(value[lists[0]], title, rest)
    return Group(Text(title, style="bold"), Text(json.dumps(value, ensure_ascii=False, indent=2)))


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _rows_table(rows: list[Json], title: str, caption: str = "") -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title, title_justify="left", caption=caption or None, caption_justify="left")
    for name in names:
        numbers = all(isinstance(row.get(name), int) for row in rows)
        table.add_column(Text(name), overflow="fold", justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(Text(cell(row[name]) if name in row else "") for name in names))
    return table
