"""`manyhands train-planner` and `eval-planner`: train the planner on the writing, and measure it. Has no method."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from infra.settings import Settings

_say = partial(Console(stderr=True, highlight=False).print, markup=False)

WRITING = "the folder of the writing; default: the repository's"


def register_planner(app: typer.Typer) -> None:
    app.command("train-planner")(train_planner)
    app.command("eval-planner")(eval_planner)


def train_planner(
    writing: Annotated[Path | None, typer.Option(exists=True, help=WRITING)] = None,
    out: Annotated[Path, typer.Option(help="The folder of the checkpoint, the log and the adapter.")] = Path(
        "runs/planner"
    ),
    epochs: Annotated[float, typer.Option(min=0.01, help="Passes over the writing.")] = 0.5,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with. Default: all cores.")] = None,
    install: Annotated[bool, typer.Option(help="Put adapter and digest into the planner's folder.")] = False,
) -> None:
    """Train the planner's encoder, and calibrate when it asks and refuses. After an interruption, it goes on."""
    from specialists.bases.weights import WeightsError
    from specialists.catalog import CatalogError, load_catalog
    from specialists.offers import PLANNER
    from specialists.training.planning.calibration.calibration import CalibratingError
    from specialists.training.planning.heads.adapter import FittingError, Options
    from specialists.training.planning.run import train_planner as train
    from specialists.training.planning.writing.writing import FOLDER, WritingError

    settings = Settings()
    try:
        specialist = load_catalog(settings.specialists, adapters=False).get(PLANNER)
        path = train(
            specialist,
            writing or FOLDER,
            out,
            Options(epochs=epochs),
            weights=settings.weights,
            threads=threads,
            install=install,
            say=_say,
        )
    except (CatalogError, WritingError, WeightsError, FittingError, CalibratingError) as error:
        _fail(str(error))
    typer.echo(path)


def eval_planner(
    name: Annotated[
        str, typer.Argument(metavar="SET", help="One of held-out, held-out-shipped and test, or a file of goals.")
    ],
    adapter: Annotated[Path | None, typer.Option(exists=True, help="The adapter. Default: the installed one.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="A part that is left out, such as known: the job types known by name."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take so many goals, drawn at random. Default: all.")] = None,
    writing: Annotated[Path | None, typer.Option(exists=True, help=WRITING)] = None,
    heard: Annotated[
        Path | None,
        typer.Option(exists=True, help="What owners of labels said of the goals' words. Default: that of the writing."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with. Default: all cores.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file for the figures, as JSON.")] = None,
) -> None:
    """Measure the planner: percent of goals planned right, silently wrong, asked about and refused, by kind."""
    from specialists.bases.weights import WeightsError
    from specialists.catalog import CatalogError, load_catalog
    from specialists.offers import PLANNER
    from specialists.training.planning.sets.outcomes import measure
    from specialists.training.planning.sets.readers import PARTS, planner_of
    from specialists.training.planning.sets.sets import load_set
    from specialists.training.planning.writing.writing import FOLDER, WritingError

    if unknown := sorted(set(without or []) - set(PARTS)):
        _fail(f"--without {unknown[0]}: there is no such part; known: {', '.join(PARTS)}")
    settings = Settings()
    try:
        asked = load_set(name, writing or FOLDER, limit, heard)
        specialist = load_catalog(settings.specialists, adapters=adapter is None).get(PLANNER)
        planner = planner_of(specialist, settings.weights, adapter, without or [], threads, _say)
    except (CatalogError, WritingError, WeightsError, ValueError, KeyError) as error:
        _fail(str(error))
    figures = measure(planner.plan, asked)
    for line in figures.lines():
        typer.echo(line)
    if out:
        out.write_text(json.dumps({"set": name, "without": without or [], "kinds": figures.json()}, indent=2) + "\n")


def _fail(message: str) -> NoReturn:
    _say(Text.assemble(("error:", "red"), " ", message))
    raise typer.Exit(2)
