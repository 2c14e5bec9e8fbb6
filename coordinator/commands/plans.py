"""The commands about saved plans: plans that are kept under names to run again. Knows only the client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from coordinator.commands.client import client_of
from coordinator.commands.options import Tenant, Url

if TYPE_CHECKING:
    from infra.records import Json

plans = typer.Typer(help="List the saved plans, or save, show or delete one.")

Name = Annotated[str, typer.Argument(help="The saved plan's name.")]


@plans.callback(invoke_without_command=True)
def list_(context: typer.Context, tenant: Tenant = None, url: Url = None) -> None:
    """Without a command, list the saved plans, each with its job types and its inputs."""
    from coordinator.commands.views.saved_plan import saved_plan_lines

    if context.invoked_subcommand is not None:
        if tenant is not None or url is not None:
            raise typer.BadParameter("write --tenant and --url behind the command")
        return
    with client_of(url, tenant) as client:
        for saved in client.plans():
            typer.echo("\n".join(saved_plan_lines(saved)))


@plans.command()
def save(
    name: Name,
    goal_id: Annotated[
        str | None, typer.Option("--from", metavar="GOAL", help="The id of a goal that has a plan.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="A plan as JSON, or what `plans show` prints."),
    ] = None,
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Save a plan under a name, in place of an earlier plan of that name, and print its inputs."""
    from coordinator.commands.views.saved_plan import saved_plan_lines

    with client_of(url, tenant) as client:
        saved = client.save_plan(name, **_what(goal_id, file))
        typer.echo("\n".join(saved_plan_lines(saved)))


@plans.command()
def show(name: Name, tenant: Tenant = None, url: Url = None) -> None:
    """Print a saved plan as JSON, with the JSON Schemas of its inputs."""
    with client_of(url, tenant) as client:
        saved = client.plan(name)
    Console().print_json(data={"plan": saved["plan"], "inputs": saved["inputs"]})


@plans.command()
def delete(name: Name, tenant: Tenant = None, url: Url = None) -> None:
    """Delete a saved plan. Goals that run it go on."""
    with client_of(url, tenant) as client:
        client.delete_plan(name)


def _what(goal_id: str | None, file: Path | None) -> Json:
    """The plan as arguments of `Client.save_plan`. Raises GivenError."""
    from coordinator.commands.data_forms import GivenError
    from coordinator.commands.inputs import read_plan_file

    if (goal_id is None) == (file is None):
        raise GivenError("say which: --from GOAL or --plan FILE")
    if file is None:
        return {"run": goal_id}
    read = read_plan_file(file)
    if "steps" in read:
        return {"plan": read}
    if read.keys() != {"plan", "inputs"}:
        raise GivenError(f"--plan {file}: is neither a plan, with 'steps', nor what `plans show` prints")
    return read
