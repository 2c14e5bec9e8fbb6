"""The commands about dead letters: jobs that ended without an output. Knows only the client."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from coordinator.commands.client import client_of
from coordinator.commands.options import OfTags, OfTenant, Url

letters = typer.Typer(help="Dead letters: jobs that ended without an output.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="The job's id.")]
Type = Annotated[str | None, typer.Option("--type", help="Only letters of this job type.")]
Limit = Annotated[int, typer.Option(min=1, help="How many letters are shown.")]
Cause = Annotated[str | None, typer.Option(help="Only letters of this cause: poison, failed or unprocessable.")]


@letters.command(name="list")
def list_(
    job_type: Type = None,
    cause: Cause = None,
    tags: OfTags = None,
    tenant: OfTenant = None,
    limit: Limit = 100,
    url: Url = None,
) -> None:
    """List the newest letters, each with its reason."""
    from coordinator.commands.views.lists import letter_line

    with client_of(url) as client:
        listed = client.list_letters(cause, job_type=job_type, tenant=tenant, tags=tags or ())
        found = list(islice(listed, limit))
    for letter in found:
        typer.echo(letter_line(letter))
    if len(found) == limit:
        typer.echo(f"the newest {limit}; there may be more, see --limit, --type, --cause and --tag", err=True)


@letters.command()
def show(job_id: JobId, url: Url = None) -> None:
    """Show one letter as JSON, with the job's input."""
    with client_of(url) as client:
        Console().print_json(data=client.letter(job_id))


@letters.command()
def rerun(job_id: JobId, url: Url = None) -> None:
    """Run the job's goal again where outputs are missing, with new attempts.

    The command prints the goal's id, and the goal's other letters that go with it.
    """
    with client_of(url) as client:
        goal = client.rerun_letter(job_id)
    typer.echo(goal["id"])
    for other in goal["also"]:
        typer.echo(f"with it: {other}", err=True)


@letters.command(hidden=True)
def replay(job_id: JobId, url: Url = None) -> None:
    """The old name of `rerun`."""
    typer.echo("`letters replay` is called `letters rerun` now", err=True)
    rerun(job_id, url)


@letters.command()
def purge(
    job_id: Annotated[str | None, typer.Argument(help="The job's id.")] = None,
    job_type: Type = None,
    cause: Cause = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete every letter.")] = False,
    url: Url = None,
) -> None:
    """Delete one letter, those of a type or a cause, or all."""
    some = job_type is not None or cause is not None
    if (job_id is not None) + some + everything != 1 or "" in (job_id, job_type, cause):
        raise typer.BadParameter("say which: a job's id, or --type and --cause, or --all")
    with client_of(url) as client:
        purged = client.purge(job_id) if job_id is not None else client.purge_all(job_type, cause)
        typer.echo(f"{purged} purged")
