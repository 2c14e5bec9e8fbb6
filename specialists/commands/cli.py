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

RECIPE = "Default: that of the manifest."


def register(app: typer.Typer) -> None:
    app.command()(weights)
    app.command()(train)
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


def train(
    name: Annotated[str, typer.Argument(help="The specialist.")],
    data: Annotated[
        list[Path],
        typer.Option(exists=True, help='JSON Lines of {"input": …, "output": …}, plain or .gz.'),
    ],
    out: Annotated[Path | None, typer.Option(help="The folder of checkpoints and the log. Default: runs/NAME.")] = None,
    dev: Annotated[
        Path | None, typer.Option(exists=True, help="Development examples. Ten looks at them choose the best adapter.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option(min=1, help="Train on so many examples, drawn at random. Default: all.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(min=0.01, help=f"Passes over the examples. {RECIPE}")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help=f"Examples in a step. {RECIPE}")] = None,
    rate: Annotated[float | None, typer.Option(min=1e-6, help=f"The highest learning rate. {RECIPE}")] = None,
    rank: Annotated[int | None, typer.Option(min=1, max=256, help=f"The adapter's rank. {RECIPE}")] = None,
    augment: Annotated[
        float | None,
        typer.Option(min=0, max=20, help=f"Made-up examples for each real one, with values exchanged. {RECIPE}"),
    ] = None,
    start: Annotated[Path | None, typer.Option(exists=True, help="An adapter of this rank to go on from.")] = None,
    base: Annotated[str | None, typer.Option(help=f"Another base model. {RECIPE}")] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Find rank and rate by short runs first; needs --dev.")
    ] = False,
    abstain: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.5, help="Of inputs that have a label, the share that may get none, so that others get none."
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads to compute with. Default: the fastest number in the first steps.")
    ] = None,
    install: Annotated[bool, typer.Option(help="Put adapter, digest and card into the specialist's folder.")] = True,
) -> None:
    """Train a specialist's adapter by LoRA. After an interruption, the same command goes on where it stopped."""
    from specialists.bases.weights import WeightsError
    from specialists.catalog import CatalogError, UnknownJobType, load_catalog
    from specialists.examples import ExamplesError, read_examples
    from specialists.training.course import TrainingError
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
            abstain=abstain,
        )
    except (CatalogError, UnknownJobType, ExamplesError, WeightsError, TrainingError) as error:
        _fail(str(error))
    typer.echo(path)


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
