"""The commands that run the product and ask it. Heavy imports wait inside the commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from coordinator.reasons import reasons

if TYPE_CHECKING:
    from coordinator.client import Client
    from infra.records import Json

Url = Annotated[str | None, typer.Option(help="of the API; default: this machine's, from the settings")]
Inputs = Annotated[list[str] | None, typer.Option("--input", help="name=text, name=@lines.jsonl or name=@text.txt")]
GoalId = Annotated[str, typer.Argument(help="the goal's id")]


def register(app: typer.Typer) -> None:
    for command in (up, demo, run, submit, status, watch, cancel, api, coordinator):
        app.command()(command)


def up() -> None:
    """Run everything on this machine: Redis, API, coordinator, one worker with every specialist, Flower."""
    from coordinator.up import stay_up
    from infra.settings import Settings

    with reasons():
        stay_up(Settings(), Console())


def demo() -> None:
    """Start everything beside what may run already, reach a goal over an inbox, show it all, and stop."""
    from coordinator.demo import show_demo
    from infra.settings import Settings

    with reasons():
        succeeded = show_demo(Settings(), Console())
    raise typer.Exit(0 if succeeded else 1)


def run(
    goal: Annotated[str, typer.Argument(help="what to reach, in words")], given: Inputs = None, url: Url = None
) -> None:
    """Reach a goal: show its plan, its progress and its result. Ends with 1 and the reasons where it failed."""
    with _client(url) as client:
        accepted = client.submit(goal, _read(given))
        succeeded = _follow(client, accepted["id"])
    raise typer.Exit(0 if succeeded else 1)


def submit(
    goal: Annotated[str, typer.Argument(help="what to reach, in words")], given: Inputs = None, url: Url = None
) -> None:
    """Hand in a goal and print its id."""
    with _client(url) as client:
        typer.echo(client.submit(goal, _read(given))["id"])


def status(
    goal_id: Annotated[str | None, typer.Argument(help="default: the newest goals")] = None, url: Url = None
) -> None:
    """Show a goal as JSON, or a table of the newest."""
    from coordinator.show import goals_table

    with _client(url) as client:
        if goal_id:
            Console().print_json(data=client.get(goal_id))
        else:
            Console().print(goals_table(client.recent()))


def watch(goal_id: GoalId, url: Url = None) -> None:
    """Follow a goal to its end, from its start on, and show its result."""
    with _client(url) as client:
        succeeded = _follow(client, goal_id)
    raise typer.Exit(0 if succeeded else 1)


def cancel(goal_id: GoalId, url: Url = None) -> None:
    """End a goal and its jobs."""
    with _client(url) as client:
        typer.echo(client.cancel(goal_id)["state"])


def api() -> None:
    """Run the HTTP API in the foreground."""
    from coordinator.api_app import main

    with reasons():
        main()


def coordinator() -> None:
    """Run a coordinator in the foreground; any number may run."""
    from coordinator.app import main

    with reasons():
        main()


def _read(given: list[str] | None) -> Json:
    from coordinator.given import read_inputs

    return read_inputs(given or [])


def _follow(client: Client, goal_id: str) -> bool:
    from coordinator.show import follow

    return follow(client, goal_id, Console())


@contextmanager
def _client(url: str | None) -> Iterator[Client]:
    from coordinator.client import Client
    from infra.settings import Settings

    with reasons(), Client(url or f"http://127.0.0.1:{Settings().api_port}") as client:
        yield client
