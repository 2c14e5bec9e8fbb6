"""`manyhands train`: trains the model that a manifest names, or finds the smallest one that does the job.

It stands here because a ladder measures each model through the engine that serves it. Does neither itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.settings import Settings
from specialists.bases.weights import WeightsError
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.examples import Example, ExamplesError, read_examples
from specialists.manifest import Recipe
from specialists.measuring.facts import FactsError, Rung
from specialists.specialist import Specialist, SpecialistError
from workers.engines import EngineError

_console = Console(stderr=True, highlight=False)
_say = partial(_console.print, markup=False)

RECIPE = "Default: that of the manifest."


class OptionsError(ValueError):
    """Options do not go together."""


def register_train(app: typer.Typer) -> None:
    app.command()(train)


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
    ladder: Annotated[
        bool, typer.Option("--ladder", help="Find the smallest model that does it, though the manifest names one.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Of the ladder: what it may take, all models together.")
    ] = 15,
    pick: Annotated[str | None, typer.Option(help="Of the ladder: install this rung, and train no other one.")] = None,
    with_dev: Annotated[
        bool, typer.Option("--with-dev", help="Of the ladder: train what is installed on the development examples too.")
    ] = False,
) -> None:
    """Train a specialist. After an interruption, the same command goes on where it stopped.

    A manifest with a base, and with [head] or [decoding], has that model trained. For a manifest without them the
    ladder is climbed: models are tried from the cheapest on, and the cheapest whose score is within the interval of the
    best is installed.
    """
    from specialists.training.course import TrainingError
    from specialists.training.run import train_specialist

    settings = Settings()
    given = {"epochs": epochs, "batch": batch, "rate": rate, "rank": rank, "augment": augment}
    try:
        specialist = load_catalog(settings.specialists, adapters=False).get(name)
        if specialist.notice:
            _say(specialist.notice)
        taught = [example for path in data for example in read_examples(path, _say)]
        measured = read_examples(dev, _say) if dev else []
        named, where = ", ".join(path.name for path in data), out or Path("runs") / name
        if ladder or pick or specialist.manifest.is_bare:
            others = {**given, "start": start, "base": base, "search": search or None, "abstain": abstain}
            _check_ladder(specialist, others, examples)
            path = _climb(
                specialist, taught, measured, named, where, settings,
                threads=threads, minutes=minutes, pick=pick, with_dev=with_dev, installs=install,
            )  # fmt: skip
        else:
            if with_dev:
                raise OptionsError("--with-dev is for a ladder: give --ladder too")
            path = train_specialist(
                specialist, taught, named, where, _recipe(specialist.manifest.training, given),
                count=examples, start=start, base=base, weights=settings.weights, threads=threads, install=install,
                say=_say, dev=measured, search_first=search, abstain=abstain,
            )  # fmt: skip
    except (
        CatalogError, UnknownJobType, ExamplesError, WeightsError, TrainingError, OptionsError, EngineError, FactsError,
        SpecialistError,
    ) as error:  # fmt: skip
        _fail(str(error))
    typer.echo(path)


def _recipe(recipe: Recipe, given: dict[str, float | int | None]) -> Recipe:
    return recipe.model_copy(update={name: value for name, value in given.items() if value is not None})


def _check_ladder(specialist: Specialist, others: Mapping[str, object], examples: int | None) -> None:
    """Raises OptionsError."""
    if not specialist.manifest.hosts_model:
        engine = specialist.manifest.engine
        raise OptionsError(f"{specialist.name!r} runs engine {engine!r}: there is no model to find")
    if unused := [f"--{name}" for name, value in others.items() if value is not None]:
        raise OptionsError(f"a ladder chooses by itself: leave out {', '.join(unused)}")
    if examples is not None:
        raise OptionsError("a ladder trains on all of --data: leave out --examples")


def _climb(
    specialist: Specialist,
    examples: Sequence[Example],
    dev: Sequence[Example],
    data: str,
    out: Path,
    settings: Settings,
    *,
    threads: int | None,
    minutes: float,
    pick: str | None,
    with_dev: bool,
    installs: bool,
) -> Path:
    from specialists.training.ladder.climb import Job
    from specialists.training.ladder.settle import climb_and_install
    from specialists.training.ladder.split import split
    from workers.measuring.rung_score import rung_score

    taught, measured = (list(examples), list(dev)) if dev else split(examples, specialist.output_schema)
    if not dev:
        _say(f"{len(measured)} of {len(examples)} examples are kept to measure on, each label with its share")
    job = Job(specialist, taught, measured, data, out, settings.weights, threads, minutes)
    settled = climb_and_install(
        job, lambda each, some: rung_score(each, some, settings), _say,
        picked=pick, with_dev=with_dev, installs=installs,
    )  # fmt: skip
    _console.print(_table(settled.rows))
    for reason, names in _left_out(settled.rows).items():
        _say(f"not tried: {', '.join(names)}: {reason}")
    if settled.warning:
        _say(Text(settled.warning, "red"))
    return settled.adapter


def _table(rows: Sequence[Rung]) -> Table:
    metric = next((row.metric for row in rows if row.metric), "score")
    table = Table(title="the ladder, the cheapest model first; in bold what is installed")
    for name in ("model", f"{metric}, %", "95 % interval", "jobs/s", "memory, MiB", "minutes"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in rows:
        if row.scores:
            table.add_row(*_cells(row), style="bold" if row.picked else None)
    return table


def _cells(row: Rung) -> tuple[str, ...]:
    scores, (low, high) = " and ".join(f"{each:.1f}" for each in row.scores), row.interval
    return (
        row.name,
        scores,
        f"{low:.1f} to {high:.1f}",
        f"{row.jobs_per_s:.0f}",
        f"{row.memory_mib:.0f}",
        f"{row.minutes:.1f}",
    )


def _left_out(rows: Sequence[Rung]) -> dict[str, list[str]]:
    """Why rungs were not tried -> their names."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.left_out:
            found.setdefault(row.left_out, []).append(row.name)
    return found


def _fail(message: str) -> NoReturn:
    _say(Text.assemble(("error:", "red"), " ", message))
    raise typer.Exit(2)
