"""Follows a goal for a command, asks on a terminal which plan is to run, and ends with an exit code. Draws nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from coordinator.client import Client
    from coordinator.commands.result_files import ResultFile
    from infra.records import Json

FAILED = 1  #: The goal failed or was cancelled.
UNSURE = 3  #: The goal is unsure, and nobody was there to choose one of its plans.
REFUSED = 4  #: The goal was refused: no plan over the job types on offer can do it.

CONFLICT = 409

_CODES = {"succeeded": 0, "unsure": UNSURE, "refused": REFUSED}


def follow_to_exit(client: Client, goal_id: str, out: ResultFile | None = None) -> None:
    """Show the goal until it ends or nobody can choose its plan, and exit with the code of its state.

    `out`: where its result is written. Raises GivenError if that cannot be done."""
    from coordinator.commands.views.following import follow

    console = Console()
    goal = follow(client, goal_id, console, lambda unsure: sits_there(console) and _ask(client, unsure))
    if goal["state"] == "unsure":
        typer.echo(f"to go on: manyhands confirm {goal_id} 1; to end it: manyhands cancel {goal_id}", err=True)
    if out and goal["state"] == "succeeded":
        _write(out, goal["result"])
    raise typer.Exit(_CODES.get(goal["state"], FAILED))


def _write(out: ResultFile, result: Any) -> None:
    from coordinator.commands.result_files import write_result

    rows = write_result(out, result)
    typer.echo(f"{out.path}: {'the result' if rows is None else f'{rows} rows'}", err=True)


def sits_there(console: Console) -> bool:
    """Whether somebody sits at the terminal who can be asked."""
    return console.is_terminal and sys.stdin.isatty()


def _ask(client: Client, goal: Json) -> bool:
    """Ask which plan is to run. True if somebody chose a plan, or chose none, which ends the goal."""
    numbers = [str(number) for number in range(1, len(goal["plans"]) + 1)]
    while True:
        try:
            said = input(f"Which plan is to run: {', '.join(numbers)}, or n for none? ").strip().lower()
        except EOFError:
            return False
        if said in ("n", "no", "none"):
            client.cancel(goal["id"])
            return True
        if said in numbers:
            _confirm(client, goal["id"], int(said))
            return True


def _confirm(client: Client, goal_id: str, choice: int) -> None:
    """Confirm a plan. If somebody else has decided meanwhile, the goal goes on or has ended, and nothing is done."""
    from coordinator.client import ApiError

    try:
        client.confirm(goal_id, choice)
    except ApiError as error:
        if error.status != CONFLICT:
            raise
