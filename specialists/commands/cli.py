"""Commands about specialists: fetch weights, train, report. Knows nothing of queues."""

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

RECIPE = "default: the manifest's"


def register(app: typer.Typer) -> None:
    app.command()(weights)
    app.command()(train)
    app.command()(report)
    register_planner(app)


def weights(names: Annotated[list[str], typer.Argument(help="base models, local folders or hub ids")]) -> None:
    """Fetch base models, check their digests and convert them, once. Prints their folders."""
    from specialists.bases.weights import WeightsError, ensure

    try:
        for name in names:
            typer.echo(ensure(name, Settings().weights, _say))
    except WeightsError as error:
        _fail(str(error))


def train(
    name: Annotated[str, typer.Argument(help="the specialist")],
    data: Annotated[
        list[Path],
        typer.Option(exists=True, help='JSON Lines of {"input": …, "output": …}, plain or gzipped; may be given again'),
    ],
    out: Annotated[Path | None, typer.Option(help="where checkpoints and the log go; default: runs/NAME")] = None,
    dev: Annotated[Path | None, typer.Option(exists=True, help="looked at ten times: the best adapter is kept")] = None,
    examples: Annotated[int | None, typer.Option(min=1, help="train on so many, drawn at random; default: all")] = None,
    epochs: Annotated[float | None, typer.Option(min=0.01, help=RECIPE)] = None,
    batch: Annotated[int | None, typer.Option(min=1, help=RECIPE)] = None,
    rate: Annotated[float | None, typer.Option(min=1e-6, help=RECIPE)] = None,
    rank: Annotated[int | None, typer.Option(min=1, max=256, help=RECIPE)] = None,
    augment: Annotated[
        float | None,
        typer.Option(min=0, max=20, help=f"made-up examples for each, with values exchanged; {RECIPE}"),
    ] = None,
    start: Annotated[Path | None, typer.Option(exists=True, help="an adapter of this rank to go on from")] = None,
    base: Annotated[str | None, typer.Option(help="another base model; default: the manifest's")] = None,
    search: Annotated[
        bool, typer.Option("--search", help="find rank and rate by short runs first; needs --dev")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="default: all cores")] = None,
    install: Annotated[bool, typer.Option(help="put adapter, digest and card into the specialist's folder")] = True,
) -> None:
    """Train a specialist's adapter by LoRA. Interrupted, the same command goes on where it stopped."""
    from specialists.bases.weights import WeightsError
    from specialists.catalog import CatalogError, UnknownJobType, load_catalog
    from specialists.examples import ExamplesError, read_examples
    from specialists.training.lora import TrainingError
    from specialists.training.run import train_specialist

    settings = Settings()
    try:
        specialist = load_catalog(settings.specialists, adapters=False).get(name)
        if specialist.notice:
            _say(specialist.notice)
        given = {"epochs": epochs, "batch": batch, "rate": rate, "rank": rank, "augment": augment}
        recipe = specialist.manifest.training.model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        path = train_specialist(
            specialist,
            [example for path in data for example in read_examples(path, _say)],
            ", ".join(path.name for path in data),
            out or Path("runs") / name,
            recipe,
            count=examples,
            start=start,
            base=base,
            weights=settings.weights,
            threads=threads,
            install=install,
            say=_say,
            dev=read_examples(dev, _say) if dev else (),
            search_first=search,
        )
    except (CatalogError, UnknownJobType, ExamplesError, WeightsError, TrainingError) as error:
        _fail(str(error))
    typer.echo(path)


def report(
    out: Annotated[Path, typer.Argument(help="folder for report.html, report.md and their pictures")],
    price_per_hour: Annotated[
        float | None, typer.Option(help="of the machine that was measured on: what 1,000 jobs cost is said too")
    ] = None,
    api: Annotated[
        list[str] | None,
        typer.Option(help="NAME=READ,WRITTEN: what an API asks for a million tokens, to compare with; may be repeated"),
    ] = None,
    edge: Annotated[
        Path | None, typer.Option(exists=True, help="what `python -m benchmarks.one_base --out` wrote")
    ] = None,
) -> None:
    """Make one page over all specialists, of what `manyhands eval --card` and `train` found out."""
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
