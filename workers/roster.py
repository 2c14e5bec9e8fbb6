"""`manyhands workers`: who is alive, as the ledger has it. Knows nothing of queues and engines."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from infra.records import Json


def register_workers(app: typer.Typer) -> None:
    app.command(name="workers")(_workers)


def _workers(
    here: Annotated[bool, typer.Option("--here", help="only those of this host; ends with 1 if there is none")] = False,
) -> None:
    """List the live workers: what each serves, and how many of its slots are taken."""
    try:
        alive = _alive()
    except OSError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    listed = on_host(alive, socket.gethostname()) if here else alive
    for line in lines(listed):
        typer.echo(line)
    raise typer.Exit(1 if here and not listed else 0)


def _alive() -> dict[str, Json]:
    from infra.ledger import LedgerUnavailable
    from infra.redis_client import connect
    from infra.redis_ledger import RedisLedger
    from infra.settings import Settings

    settings = Settings()
    ledger = RedisLedger(connect(settings), settings.prefix)
    try:
        return ledger.workers()
    except LedgerUnavailable as error:
        raise ConnectionError(str(error)) from error
    finally:
        ledger.close()


def on_host(alive: Mapping[str, Json], host: str) -> dict[str, Json]:
    return {name: about for name, about in alive.items() if about["host"] == host}


def lines(alive: Mapping[str, Json]) -> Iterator[str]:
    """`triage-12@a3f  2 of 16 slots  triage 1.0.0`, sorted by name."""
    for name, about in sorted(alive.items()):
        serves = ", ".join(f"{job_type} {version}" for job_type, version in sorted(about["serves"].items()))
        yield f"{name}  {about['running']} of {about['slots']} slots  {serves}"
