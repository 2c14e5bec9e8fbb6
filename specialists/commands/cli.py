"""Commands about specialists: fetch weights, report. Knows nothing of queues."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from infra.settings import Settings
from specialists.commands.planner import register_planner

_say = partial(Console(stderr=True, highlight=False).print, markup=False)


def register(app: typer.Typer) -> None:
    app.command()(weights)
    app.command()(report)
    register_planner(app)


def weights(
    names: Annotated[list[str], typer.Argument(help="Base models, local folders or ids on the Hugging Face hub.")],
) -> None:
    """Fetch base models, check their digests, convert them once, and print their folders."""
    from specialists.bases.weights import WeightsError, ensure

    try:
        for name in names:
            typer.echo(ensure(name, Settings().weights, _say))
    except WeightsError as error:
        _fail(str(error))


def report(
    out: Annotated[Path, typer.Argument(help="The folder for report.html, report.md and their pictures.")],
    price_per_hour: Annotated[
        float | None, typer.Option(help="What the measured machine costs; the page then says what 1,000 jobs cost.")
    ] = None,
    api: Annotated[
        list[str] | None,
        typer.Option(help="NAME=READ,WRITTEN: the price of an API for a million tokens, to compare with."),
    ] = None,
    edge: Annotated[
        Path | None, typer.Option(exists=True, help="The file that `python -m benchmarks.one_base --out` wrote.")
    ] = None,
) -> None:
    """Write one page about all specialists, from what `manyhands eval --card` and `manyhands train` measured."""
    from importlib.util import find_spec

    from specialists.catalog import CatalogError, load_catalog
    from specialists.measuring.facts import FactsError
    from specialists.measuring.report import Rate, ReportError, entries_of, load_edge, load_references
    from specialists.measuring.report_page import as_html, as_markdown
    from specialists.measuring.report_sections import sections

    try:
        entries = entries_of(load_catalog(Settings().specialists, adapters=False), load_references())
        sides = load_edge(edge) if edge else []
        rates = [Rate.of(text) for text in api or []]
        if rates and price_per_hour is None:
            raise ReportError("--api compares with what this machine costs: give --price-per-hour too")
    except (CatalogError, FactsError, ReportError) as error:
        _fail(str(error))
    out.mkdir(parents=True, exist_ok=True)
    pictures: list[str] = []
    if find_spec("matplotlib"):
        from specialists.measuring.report_plots import draw

        pictures = draw(entries, out)
    else:
        _say("no pictures: they need matplotlib")
    parts = sections(entries, price_per_hour, pictures, sides, rates)
    for name, write in (("report.md", as_markdown), ("report.html", as_html)):
        (out / name).write_text(write("Specialists, measured", parts), "utf-8")
        typer.echo(out / name)


def _fail(message: str) -> NoReturn:
    _say(Text.assemble(("error:", "red"), " ", message))
    raise typer.Exit(2)
