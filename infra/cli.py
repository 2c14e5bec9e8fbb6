"""The command line: gathers the commands that each installed package registers. Knows none of them."""

from __future__ import annotations

from importlib.metadata import entry_points

import typer

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
    build()()
