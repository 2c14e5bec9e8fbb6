"""`manyhands workers`: the live workers, as the ledger lists them. Knows nothing of queues and engines."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.records import Json

COLUMNS = ("name", "host", "serves", "runs on", "tokens/s", "load", "done", "up since (UTC)")
UNKNOWN = "-"  #: shown if a worker of another version does not say
WIDE = 1_000  #: columns of a line where no terminal shows it, so that nothing is cut


def register_workers(app: typer.Typer) -> None:
    app.command(name="workers")(_workers)


def _workers(
    here: Annotated[
        bool, typer.Option("--here", help="Only the workers of this host. Ends with 1 if there is none.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="All that each worker says of itself, one object a line.")
    ] = False,
) -> None:
    """List the live workers: what each serves, its device, its speed, and how many of its slots are taken."""
    try:
        alive = _alive()
    except OSError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    listed = on_host(alive, socket.gethostname()) if here else alive
    if as_json:
        for name, about in sorted(listed.items()):
            typer.echo(json.dumps({"name": name} | about))
    else:
        (Console() if sys.stdout.isatty() else Console(width=WIDE)).print(table(listed))
    raise typer.Exit(1 if here and not listed else 0)


def _alive() -> dict[str, Json]:
    """Raises ConnectionError, with one line that says why the workers are not known."""
    from pydantic import ValidationError

    from infra.ledger.protocol import LedgerUnavailable
    from infra.ledger.redis.ledger import RedisLedger
    from infra.settings import SettingError, Settings, setting_faults

    try:
        settings = Settings()
        ledger = RedisLedger.of(settings)
        try:
            return ledger.workers()
        finally:
            ledger.close()
    except ValidationError as error:
        raise ConnectionError("; ".join(setting_faults(error))) from error
    except (SettingError, LedgerUnavailable) as error:
        raise ConnectionError(str(error)) from error


def on_host(alive: Mapping[str, Json], host: str) -> dict[str, Json]:
    return {name: about for name, about in alive.items() if about["host"] == host}


def table(alive: Mapping[str, Json]) -> Table:
    """One worker a row, sorted by name."""
    found = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        found.add_column(column, no_wrap=column != "serves")  # a narrow terminal folds only this column
    for name, about in sorted(alive.items()):
        found.add_row(*row(name, about))
    return found


def row(name: str, about: Json) -> tuple[str, ...]:
    """As `COLUMNS`: `triage-12@a`, `a`, `triage 1.0.0`, `transformers on cpu`, `23.1`, `3/16`, `120`, `11-22 21:06`."""
    untrained = about.get("untrained", ())
    marks = {job_type: " (never trained)" if job_type in untrained else "" for job_type in about["serves"]}
    serves = ", ".join(f"{each} {version}{marks[each]}" for each, version in sorted(about["serves"].items()))
    runs_on = f"{_joined(about.get('engines'))} on {_joined(about.get('devices'))}"
    load = f"{about['running']}/{about['slots']}"
    speed, done = _shown(about.get("tokens_per_s")), _shown(about.get("done"))
    return name, about["host"], serves, runs_on, speed, load, done, _since(about.get("started_ms"))


def _joined(names: list[str] | None) -> str:
    return ", ".join(names) if names else UNKNOWN


def _shown(value: Any) -> str:
    return UNKNOWN if value is None else str(value)


def _since(started_ms: int | None) -> str:
    if started_ms is None:
        return UNKNOWN
    return f"{datetime.fromtimestamp(started_ms / 1000, UTC):%m-%d %H:%M}"
