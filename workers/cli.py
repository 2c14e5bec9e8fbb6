"""Commands of the workers: run one, evaluate a specialist. Knows nothing of how either is done."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(worker)
    from workers.eval_cli import register_eval
    from workers.roster import register_workers

    register_eval(app)
    register_workers(app)


def worker(
    names: Annotated[list[str] | None, typer.Argument(help="specialists to serve; default: all")] = None,
    slots: Annotated[int | None, typer.Option(min=1, max=512, help="jobs at a time; default: MANYHANDS_SLOTS")] = None,
) -> None:
    """Serve specialists: take their jobs off the queue and do them, until SIGTERM or Ctrl-C."""
    from workers.app import main

    raise typer.Exit(main(names or [], slots))
