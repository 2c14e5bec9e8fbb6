"""Follows a run on a terminal: shows its plan, a bar for each step, and its end. Knows only the client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from coordinator.client import Client, Seen
from coordinator.commands.views.plans import choices_text, plan_table, reading_lines
from coordinator.commands.views.results import failure_view, guessed_lines, left_out_lines, result_view
from coordinator.commands.views.unserved import unserved_line
from infra.records import Json


class Following:
    """Shows a run's events as a plan and a bar for each step."""

    def __init__(self, console: Console, look: Callable[[], Json]) -> None:
        """`look`: tells the goal as it is now, with the job types that it waits for in vain."""
        self._console = console
        self._look = look
        self._bars: dict[str, TaskID] = {}
        self._labels: dict[str, str] = {}
        self._fallbacks: Counter[str] = Counter()  #: step -> the number of its outputs that went to a fallback
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )

    def follow(self, events: Iterable[Seen]) -> str | None:
        """Show `events` until they end or the run is unsure. In that case it returns the id of the event, else None."""
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
            case "job.fallback" if event.data["step"] in self._bars:
                self._tell_fallback(event.data["step"], event.data["type"])

    def _draw(self, step: str, job_type: str, total: int, kept: int) -> None:
        """Draw a bar in the place of the step's last one."""
        label = f"{step} {job_type}"
        if step in self._bars:
            self._progress.remove_task(self._bars[step])
        self._labels[step], self._fallbacks[step] = label, 0
        self._bars[step] = self._progress.add_task(label, total=total, completed=kept)
        self._tell_if_in_vain(label, job_type)

    def _tell_fallback(self, step: str, fallback: str) -> None:
        """Show behind the step's name how many of its outputs were too unsure."""
        self._fallbacks[step] += 1
        label = f"{self._labels[step]} ({self._fallbacks[step]} to {fallback})"
        self._progress.update(self._bars[step], description=label)
        if self._fallbacks[step] == 1:
            self._tell_if_in_vain(label, fallback)

    def _take_up(self, step: str | None) -> None:
        """Remove the bars of steps that were open when the run ended; they are drawn again at the next release."""
        open_ = [task.id for task in self._progress.tasks if not task.finished]
        for bar in open_:
            self._progress.remove_task(bar)
        self._bars = {name: bar for name, bar in self._bars.items() if bar not in open_}
        self._console.print(f"taken up again {f'from {step}' if step else 'where outputs are missing'}")

    def _tell_if_in_vain(self, label: str, job_type: str) -> None:
        """Say so if nobody will do the jobs of this type for now."""
        goal = self._look()
        lines = [f"{job_type} is paused; `manyhands resume {job_type}` has it go on"] * (job_type in goal["paused"])
        lines += [unserved_line(each) for each in goal["unserved"] if each["type"] == job_type]
        for line in lines:
            self._console.print(Text(f"{label} waits: {line}", style="yellow"))


#: Lets an unsure goal go on, or ends it. False if it does neither, and the goal still waits.
Ask = Callable[[Json], bool]


def follow(client: Client, goal_id: str, console: Console, ask: Ask = lambda _: False) -> Json:
    """Show a goal until it ends, or until it is unsure and `ask` decides nothing. Returns the goal as it is then."""
    stopped: str | None = "0"
    while stopped is not None:
        following = Following(console, lambda: client.get(goal_id))
        stopped = following.follow(client.events(goal_id, stopped))
        goal = client.get(goal_id)
        if goal["state"] == "unsure":
            console.print(choices_text(goal))
            if not ask(goal):
                return goal
    console.print(result_view(goal) if goal["state"] == "succeeded" else failure_view(goal))
    for line in [*left_out_lines(goal), *guessed_lines(goal)]:
        console.print(Text(line, style="yellow"))
    return goal
