"""The commands `rehearse` and `plan`, which try goals in this process without Redis and workers. Knows no API."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from coordinator.commands.choice import FAILED, REFUSED, UNSURE
from coordinator.commands.options import GoalWords, Inputs
from coordinator.exits import reasons

if TYPE_CHECKING:
    from coordinator.rehearsal.lines import LineFault, Rehearsed
    from coordinator.rehearsal.rehearsal import Rehearsal
    from specialists.catalog import Catalog

NOT_DONE = 2  #: A line of the file cannot be read, or there is no planner here.

#: The same exit codes as those of `manyhands run`.
_CODES = {"plan": 0, "failed": FAILED, "unsure": UNSURE, "refused": REFUSED}

Folders = Annotated[
    list[Path] | None,
    typer.Option("--specialists", exists=True, file_okay=False, help="A further folder of specialists."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def register(app: typer.Typer) -> None:
    app.command()(rehearse)
    app.command()(plan)


def rehearse(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help='JSON Lines of {"id", "goal" or "plan", "inputs", "answers"?: {job type: list of outputs}}',
        ),
    ],
    as_json: AsJson = False,
    specialists: Folders = None,
) -> None:
    """Try goals and plans here, without Redis and workers.

    Goals are really planned and functions really run; stand-ins answer for models. With --json the command prints a
    line for each goal as soon as its result is known. It ends with 2 if a line cannot be read.
    """
    from coordinator.rehearsal.lines import read_lines

    done: list[Rehearsed] = []
    faults: list[LineFault] = []
    with _rehearsing(specialists) as (rehearsal, catalog), file.open("rb") as lines:
        out = sys.stdout
        with redirect_stdout(sys.stderr):  # functions and libraries may print
            for line in read_lines(str(file), lines, catalog.names()):
                if isinstance(line, ValueError):
                    faults.append(line)
                    typer.echo(str(line), err=True)
                    continue
                rehearsed = rehearsal.rehearse(line)
                if as_json:
                    typer.echo(json.dumps(rehearsed.model_dump(mode="json"), ensure_ascii=False), file=out)
                else:
                    done.append(rehearsed)
    if not as_json:
        _show_lines(done)
    if faults:
        raise typer.Exit(NOT_DONE)


def plan(goal: GoalWords, given: Inputs = None, specialists: Folders = None, as_json: AsJson = False) -> None:
    """Plan a goal here, and show the plan as a drawing and in words, with its confidence and its cost. Nothing runs.

    The command ends with 0 for a plan, with 3 if it is not clear which plan is meant, with 4 if the goal is refused,
    and with 1 if no plan can run.
    """
    from coordinator.commands.inputs import read_inputs
    from coordinator.commands.views.drawing import planned_drawing
    from coordinator.rehearsal.cost import cost_of
    from coordinator.rehearsal.planned import planned_view

    with _rehearsing(specialists) as (rehearsal, catalog):
        inputs = read_inputs(given or [])
        with redirect_stdout(sys.stderr):
            planned = rehearsal.plan(goal, inputs)
    costs = {n: cost_of(each.plan, inputs, catalog) for n, each in enumerate(planned.candidates)}
    if as_json:
        typer.echo(json.dumps(planned_view(planned, costs), ensure_ascii=False, indent=2))
    else:
        console = Console()
        console.print(planned_drawing(planned, inputs, costs, console.width))
    raise typer.Exit(_CODES[planned.answer])


@contextmanager
def _rehearsing(folders: Sequence[Path] | None) -> Iterator[tuple[Rehearsal, Catalog]]:
    """A rehearsal over the specialists of the settings and of `folders`. An error ends the command in plain lines."""
    from coordinator.plans.plan import Limits
    from coordinator.rehearsal.planner import PlannerMissing, load_answer, load_planner
    from coordinator.rehearsal.rehearsal import Rehearsal
    from infra.settings import Settings
    from specialists.catalog import load_catalog

    with reasons():
        settings = Settings()
        every = {folder.resolve(): folder for folder in [*settings.specialists, *(folders or [])]}
        settings = settings.model_copy(update={"specialists": tuple(every.values())})
        catalog = load_catalog(settings.specialists, adapters=False)
        limits = Limits(max_jobs=settings.max_jobs, deadline_s=settings.deadline_s, max_replans=settings.max_replans)
        try:
            load_asked = partial(load_answer, catalog, settings, partial(typer.echo, err=True))
            yield Rehearsal(catalog, limits, partial(load_planner, catalog, settings), load_asked), catalog
        except PlannerMissing as error:
            _refuse(str(error))


def _show_lines(done: Sequence[Any]) -> None:
    from coordinator.commands.views.rehearsed import rehearsed_view

    Console().print(rehearsed_view(done))


def _refuse(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(NOT_DONE)
