"""The command line: gathers the commands that each installed package registers. Knows none of them."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer
from pydantic import ValidationError

from infra.settings import Settings, setting_faults

GROUP = "manyhands.commands"  #: Commands of `manyhands`: functions that add theirs to a Typer application.


def build() -> typer.Typer:
    app = typer.Typer(
        name="manyhands",
        help="A distributed task queue of specialist small language models.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        entry.load()(app)
    return app


def main() -> None:
    """Run the command line. A bad setting ends it with one sentence, whichever command read the settings."""
    try:
        build()()
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        print("error: " + "; ".join(setting_faults(error)), file=sys.stderr)  # noqa: T201 - what people are told
        sys.exit(2)
