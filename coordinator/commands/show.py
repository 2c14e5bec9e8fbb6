"""Plans, progress and results on a terminal. Knows the API's views; asks nothing itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from coordinator.client import Client, Seen
from coordinator.commands.data_files import GivenError
from coordinator.plans.references import is_reference
from infra.records import Json

CELL = 200  #: characters of one value
LEFT_OUT_SHOWN = 5


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


def written(value: Any) -> str:
    """A value of a plan, references as their paths."""
    if is_reference(value):
        return str(value["$ref"])
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return _short(json.dumps(value, ensure_ascii=False))


def reading_lines(told: Json) -> list[str]:
    """What the planner says of a plan: its words, how sure they are, and where its values come from."""
    if told["confidence"] is None:
        return []
    found = [f"{told['words'] or 'the plan'} ({told['confidence']:.2f})"]
    for each in told["grounded"]:
        value = _short(json.dumps(each["value"], ensure_ascii=False))
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


class Following:
    """A run's events as a plan and a bar for each step."""

    def __init__(self, console: Console, paused: Callable[[], Sequence[str]]) -> None:
        """`paused`: the paused job types that the run waits for."""
        self._console = console
        self._paused = paused
        self._bars: dict[str, TaskID] = {}
        self._labels: dict[str, str] = {}
        self._escalated: Counter[str] = Counter()  #: step -> outputs that a fallback was asked about
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )

    def follow(self, events: Iterable[Seen]) -> str | None:
        """Show `events` until they end, or until the run is unsure: the id of that event then."""
        with self._progress:
            for event in events:
                if event.name == "run.unsure":
                    return event.id
                self._show(event)
        return None

    def _show(self, event: Seen) -> None:
        match event.name:
            case "plan.accepted":
                self._console.print(plan_table(event.data["plan"]))
                for line in reading_lines(event.data):
                    self._console.print(Text(line))
            case "step.released":
                self._draw(event.data["step"], event.data["type"], event.data["total"], event.data.get("kept", 0))
            case "run.reopened":
                self._take_up(event.data["step"])
            case "job.ended" if event.data["step"] in self._bars:
                self._progress.advance(self._bars[event.data["step"]])
            case "job.escalated" if event.data["step"] in self._bars:
                self._tell_escalated(event.data["step"], event.data["type"])

    def _draw(self, step: str, job_type: str, total: int, kept: int) -> None:
        """A bar, in the place of the step's last one."""
        label = f"{step} {job_type}"
        if step in self._bars:
            self._progress.remove_task(self._bars[step])
        self._labels[step], self._escalated[step] = label, 0
        self._bars[step] = self._progress.add_task(label, total=total, completed=kept)
        self._tell_if_paused(label, job_type)

    def _tell_escalated(self, step: str, fallback: str) -> None:
        """Behind the step's name: how many of its outputs were too unsure."""
        self._escalated[step] += 1
        label = f"{self._labels[step]} ({self._escalated[step]} to {fallback})"
        self._progress.update(self._bars[step], description=label)
        if self._escalated[step] == 1:
            self._tell_if_paused(label, fallback)

    def _take_up(self, step: str | None) -> None:
        """What was open when the run ended is not done any more."""
        open_ = [task.id for task in self._progress.tasks if not task.finished]
        for bar in open_:
            self._progress.remove_task(bar)
        self._bars = {name: bar for name, bar in self._bars.items() if bar not in open_}
        self._console.print(f"taken up again {f'from {step}' if step else 'where outputs are missing'}")

    def _tell_if_paused(self, label: str, job_type: str) -> None:
        if job_type in self._paused():
            waits = f"{label} waits: {job_type} is paused; `manyhands resume {job_type}` has it go on"
            self._console.print(Text(waits, style="yellow"))


def result_view(goal: Json) -> RenderableType:
    """The result of a goal that succeeded: tables where it has lists of objects."""
    result, steps = goal["result"], {step["id"]: step["type"] for step in goal["plan"]["steps"]}
    if isinstance(result, dict) and result and result.keys() <= steps.keys():
        return Group(*(_value_view(value, f"{name} {steps[name]}") for name, value in result.items()))
    return _value_view(result, "Result")


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


def cell(value: Any) -> str:
    """A value in one cell: `person Anna, location Ulm` for a list of pairs."""
    if isinstance(value, list):
        return _short(", ".join(map(cell, value)))
    if isinstance(value, dict):
        return " ".join(map(cell, value.values()))
    return _short(value) if isinstance(value, str) else json.dumps(value)


def left_out_lines(goal: Json) -> list[str]:
    """What a goal went on without, and why: a line a step, and a line each of the first places."""
    lines = []
    for name, step in goal["steps"].items():
        places = [f"  item {each['index']}: {each['why']}" for each in step["left_out"][:LEFT_OUT_SHOWN]]
        if (count := step["skipped"] + step["defaulted"]) and places:
            more = [f"  … and {count - len(places)} more"] if count > len(places) else []
            lines += [f"step {name} left out {count} of {step['total']}:", *places, *more]
    return lines


def failure_view(goal: Json) -> Text:
    failure = goal["failure"]
    if goal["state"] == "refused":
        return Text(f"refused: {goal['reason'] or 'no plan can do what is asked'}", style="red")
    if not failure:
        return Text(goal["state"], style="red")
    where = f" in step {failure['step']}" if failure["step"] else ""
    where += f", item {failure['index']}" if failure.get("index") is not None else ""
    return Text(f"{goal['state']}: {failure['kind']}{where}: {failure['message']}", style="red")


def job_failure(job: Json) -> str:
    """Why a job that has ended has no output."""
    failure = job["failure"]
    return f"{job['state']}: {failure['kind']}: {failure['message']}" if failure else str(job["state"])


def job_cut(job: Json) -> str | None:
    """What its model was not shown of its input; None: nothing was left out."""
    cut = job["usage"].get("cut", 0)
    return f"cut to fit: the last {cut:,} characters were not read" if cut else None


def job_escalated(job: Json) -> str | None:
    """Who was asked too, and why; None: nobody."""
    if not (told := job["escalated"]):
        return None
    how = "answered" if told["state"] == "succeeded" else f"has no answer ({told['state']}): the first one stands"
    return f"{job['type']} was too unsure ({told['first_confidence']:.2f}): {told['type']} {how}"


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
    """What, and below it why; no table: a job's id is to be copied whole."""
    ended = datetime.fromtimestamp(letter["at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    failure = letter["failure"]
    what = f"{letter['job_id']}  {letter['type']}  {letter['cause']}  {ended} UTC"
    return f"{what}\n    {failure['kind']}: {failure['message']}"


def _short(text: str) -> str:
    return text if len(text) <= CELL else f"{text[:CELL]}…"


#: Has an unsure goal go on, or end; False: neither, it waits on.
Ask = Callable[[Json], bool]


def follow(client: Client, goal_id: str, console: Console, ask: Ask = lambda _: False) -> Json:
    """Show a goal to its end, or until it is unsure and `ask` decides nothing; the goal as it is then."""
    stopped: str | None = "0"
    while stopped is not None:
        following = Following(console, lambda: client.get(goal_id)["paused"])
        stopped = following.follow(client.events(goal_id, stopped))
        goal = client.get(goal_id)
        if goal["state"] == "unsure":
            console.print(choices_text(goal))
            if not ask(goal):
                return goal
    console.print(result_view(goal) if goal["state"] == "succeeded" else failure_view(goal))
    for line in left_out_lines(goal):
        console.print(Text(line, style="yellow"))
    return goal
