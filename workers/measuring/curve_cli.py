"""`manyhands curve`: how well a specialist does after few examples. Does not know how it is trained."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.settings import Settings
from specialists.bases.weights import WeightsError
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.examples import Example, ExamplesError, drawn, read_examples
from specialists.manifest import Recipe
from specialists.measuring.facts import BATCH, LEAST_STEPS, Budget, Facts, FactsError
from specialists.specialist import Specialist, load_specialist
from workers.engines import EngineError
from workers.measuring.evaluate import evaluate_here


class CurveError(ValueError):
    """The curve cannot be measured."""


_FAULTS = (CatalogError, UnknownJobType, ExamplesError, FactsError, EngineError, WeightsError, CurveError, OSError)
_say = Console(stderr=True).print


def register_curve(app: typer.Typer) -> None:
    app.command()(curve)


def curve(
    name: Annotated[str, typer.Argument(help="The specialist.")],
    data: Annotated[Path, typer.Option(exists=True, help="Training examples.")],
    dev: Annotated[Path, typer.Option(exists=True, help="Examples to be measured on.")],
    counts: Annotated[str, typer.Option(help="Examples to train on, by comma.")] = "100,300,1000,3000",
    limit: Annotated[int | None, typer.Option(min=1, help="So many of --dev, drawn at random.")] = None,
) -> None:
    """Train adapters on few examples, measure each, and keep the points among the specialist's facts.

    The adapter that ships stays as it is.
    """
    settings = Settings()
    try:
        specialist = load_catalog(settings.specialists, adapters=False).get(name)
        if not specialist.manifest.hosts_model:
            raise CurveError(
                f"{name!r} runs engine {specialist.manifest.engine!r}: there is no language model to train"
            )
        points = _counts(counts)
        examples, measured = read_examples(data, _say), drawn(read_examples(dev, _say), limit)
        for count in points:
            budget = _point(specialist, examples, measured, count, settings)
            Facts.load(specialist.folder).with_budget(budget).save(specialist.folder)
            scores = ", ".join(f"{metric} {value:.1f}" for metric, value in budget.metrics.items())
            _say(f"{name}, {budget.examples} examples, {budget.minutes:.1f} minutes: {scores}")
    except _FAULTS as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def _counts(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if bad := [word for word in words if not word.isdecimal() or int(word) == 0]:
        raise CurveError(f"--counts: {bad[0]!r} is no number of examples; give some by comma, such as 100,300")
    return sorted({int(word) for word in words})


def _point(
    specialist: Specialist, examples: list[Example], measured: list[Example], count: int, settings: Settings
) -> Budget:
    from specialists.training.course import TrainingError
    from specialists.training.run import train_specialist

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / specialist.name
        shutil.copytree(specialist.folder, copy)
        few = min(count, len(examples))
        recipe = Recipe(epochs=max(1.0, LEAST_STEPS * BATCH / few), batch=BATCH)
        started = time.monotonic()
        try:
            train_specialist(
                load_specialist(copy, adapters=False), examples, "", Path(folder) / "run", recipe, count=few,
                start=None, base=None, weights=settings.weights, threads=settings.threads, install=True,
                say=lambda _: None,
            )  # fmt: skip
        except TrainingError as error:
            raise CurveError(str(error)) from None
        minutes = (time.monotonic() - started) / 60
        found = evaluate_here(load_specialist(copy), measured, settings)
        trained = Facts.load(copy).trained
        assert trained
    return Budget(examples=trained.examples, minutes=round(minutes, 2), metrics=found.metrics)
