"""Commands of the workers: run one, list them, train, measure, label, replay. Does none of it itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(worker)
    from workers.measuring.curve_cli import register_curve
    from workers.measuring.eval_cli import register_eval
    from workers.measuring.label_cli import register_label
    from workers.measuring.replay_cli import register_replay
    from workers.measuring.train_cli import register_train
    from workers.roster import register_workers

    register_curve(app)
    register_eval(app)
    register_label(app)
    register_replay(app)
    register_train(app)
    register_workers(app)


def worker(
    names: Annotated[list[str] | None, typer.Argument(help="The specialists to serve. Default: all of them.")] = None,
    broker: Annotated[
        str | None, typer.Option(help="The broker: redis://[USER@]HOST[:PORT]. Default: MANYHANDS_REDIS_URL.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="A file with the broker's password. Default: MANYHANDS_REDIS_PASSWORD.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option(help="How many jobs run at a time. Default: MANYHANDS_SLOTS, 16.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="With 'ray', language models live in a Ray cluster.")] = None,
    address: Annotated[
        str | None, typer.Option(help="The address of the Ray cluster. Default: a private one here.")
    ] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Serve models that were never trained, too.")] = False,
) -> None:
    """Serve specialists: take their jobs from the queue and do them, until SIGTERM or Ctrl-C.

    On a fresh machine it needs only the broker's address and key; see docs/workers.md.
    """
    from workers.upkeep.supervisor import main

    given = {
        "redis_url": broker,
        "redis_password_file": key_file,
        "slots": slots,
        "engine": engine,
        "ray_address": address,
        "untrained": untrained or None,
    }
    raise typer.Exit(main(names or [], {field: value for field, value in given.items() if value is not None}))
