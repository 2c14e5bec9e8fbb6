"""Lists for people: the newest goals, and dead letters. Knows the API's views."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from infra.records import Json


def goals_table(goals: Iterable[Json]) -> Table:
    table = Table()
    for name in ("id", "state", "steps"):
        table.add_column(name, no_wrap=True)
    table.add_column("goal", overflow="fold")
    for goal in goals:
        done = sum(step["state"] == "done" for step in goal["steps"].values())
        table.add_row(goal["id"], goal["state"], f"{done}/{len(goal['steps'])}", Text(_asked(goal)))
    return table


def _asked(goal: Json) -> str:
    return goal["goal"] or (f"(the plan {goal['saved']})" if goal["saved"] else "(a plan)")


def letter_line(letter: Json) -> str:
    """A dead letter, with its reason on a second line. It is no table, so that the job's id can be copied whole."""
    ended = datetime.fromtimestamp(letter["at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    failure = letter["failure"]
    what = f"{letter['job_id']}  {letter['type']}  {letter['cause']}  {ended} UTC"
    return f"{what}\n    {failure['kind']}: {failure['message']}"
