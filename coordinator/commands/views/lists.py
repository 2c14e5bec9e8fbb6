"""Lists for people: goals, jobs and dead letters. Knows the API's views."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from coordinator.commands.views.values import cell
from infra.records import Json


def goals_table(goals: Iterable[Json]) -> Table:
    rows = list(goals)
    table = _table("id", "state", "steps", *_tag_column(rows))
    table.add_column("goal", overflow="fold")
    for goal in rows:
        done = sum(step["state"] == "done" for step in goal["steps"].values())
        steps = f"{done}/{len(goal['steps'])}"
        table.add_row(goal["id"], goal["state"], steps, *_tag_cell(goal, rows), Text(_asked(goal)))
    return table


def jobs_table(jobs: Iterable[Json]) -> Table:
    rows = list(jobs)
    table = _table("id", "type", "state", *_tag_column(rows))
    table.add_column("output", overflow="fold")
    for job in rows:
        output = job["failure"]["message"] if job["failure"] else cell(job["output"]) if job["output"] else ""
        table.add_row(job["id"], job["type"], job["state"], *_tag_cell(job, rows), Text(output))
    return table


def _table(*names: str) -> Table:
    table = Table()
    for name in names:
        table.add_column(name, no_wrap=name != "tags", overflow="fold")
    return table


def _tag_column(rows: Iterable[Json]) -> list[str]:
    """The column of the tags, if there are any."""
    return ["tags"] if any(row["tags"] for row in rows) else []


def _tag_cell(row: Json, rows: Iterable[Json]) -> list[Text]:
    return [Text(" ".join(row["tags"])) for _ in _tag_column(rows)]


def _asked(goal: Json) -> str:
    return goal["goal"] or (f"(the plan {goal['saved']})" if goal["saved"] else "(a plan)")


def letter_line(letter: Json) -> str:
    """A dead letter, with its reason on a second line. It is no table, so that the job's id can be copied whole."""
    ended = datetime.fromtimestamp(letter["at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    failure = letter["failure"]
    what = f"{letter['job_id']}  {letter['type']}  {letter['cause']}  {ended} UTC"
    return f"{what}\n    {failure['kind']}: {failure['message']}"
