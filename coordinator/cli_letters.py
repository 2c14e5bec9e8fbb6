"""The commands about dead letters: jobs that ended without an output."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from coordinator.cli_client import Url, client_of

letters = typer.Typer(help="Dead letters: jobs that ended without an output.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="the job's id")]
Type = Annotated[str | None, typer.Option("--type", help="of this job type alone")]
Cause = Annotated[str | None, typer.Option(help="poison, failed or unprocessable")]


@letters.command(name="list")
def list_(job_type: Type = None, cause: Cause = None, url: Url = None) -> None:
    """The newest, each with its reason."""
    from coordinator.show import letter_line

    with client_of(url) as client:
        for letter in client.letters(job_type, cause):
            typer.echo(letter_line(letter))


@letters.command()
def show(job_id: JobId, url: Url = None) -> None:
    """One of them as JSON, with its input."""
    with client_of(url) as client:
        Console().print_json(data=client.letter(job_id))


@letters.command()
def replay(job_id: JobId, url: Url = None) -> None:
    """Do a job again with new attempts: its goal goes on. Prints the goal's id."""
    with client_of(url) as client:
        typer.echo(client.replay(job_id)["id"])


@letters.command()
def purge(
    job_id: Annotated[str | None, typer.Argument(help="the job's id")] = None,
    job_type: Type = None,
    cause: Cause = None,
    everything: Annotated[bool, typer.Option("--all", help="all of them")] = False,
    url: Url = None,
) -> None:
    """Forget one, those of a type and a cause, or all."""
    if (job_id is not None) + bool(job_type or cause) + everything != 1:
        raise typer.BadParameter("say which: a job's id, or --type and --cause, or --all")
    with client_of(url) as client:
        purged = client.purge(job_id) if job_id else client.purge_all(job_type, cause)
        typer.echo(f"{purged} purged")
