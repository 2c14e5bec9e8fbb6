"""`manyhands eval`: measure a specialist on a file of examples. Knows nothing of how it is measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.settings import Settings
from specialists.baselines import BaselineError, fit_baseline
from specialists.card import add_score
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.confidence import Calibration, calibrate, calibration_error, coverage, cross_calibrated
from specialists.examples import Example, ExamplesError, read_examples
from specialists.metrics import score
from specialists.specialist import Specialist
from specialists.weights import WeightsError
from workers.engines import EngineError
from workers.engines.load import load_engines
from workers.evaluate import Evaluation, evaluate

#: Fewer answers say nothing about how sure the others are.
LEAST_JUDGED = 50

_CONFIDENCE_TABLE = re.compile(r"\[confidence\][^\n]*\n(?:[^\[\n][^\n]*\n)*\n*")

_FAULTS = (BaselineError, CatalogError, UnknownJobType, ExamplesError, EngineError, WeightsError, OSError)


def register_eval(app: typer.Typer) -> None:
    app.command(name="eval")(_eval)


def _eval(
    name: Annotated[str, typer.Argument(help="The specialist.")],
    data: Annotated[Path, typer.Option(help='JSON Lines of {"input": …, "output": …}, plain or .gz.')],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="The first N examples only.")] = None,
    untuned: Annotated[bool, typer.Option("--untuned", help="The base without its adapter, same grammar.")] = False,
    baseline: Annotated[Path | None, typer.Option(help="Training data of a simple baseline to print beside.")] = None,
    fit: Annotated[bool, typer.Option("--calibrate", help="Fit the specialist's confidence; pin it.")] = False,
    card: Annotated[bool, typer.Option("--card", help="Add the scores to the specialist's card.")] = False,
) -> None:
    """Measure a specialist on examples, through the engine that serves it."""
    settings = Settings()
    try:
        specialist = load_catalog(settings.specialists).get(name)
        examples = read_examples(data)[:limit]
        if untuned:
            specialist = replace(specialist, manifest=specialist.manifest.model_copy(update={"adapter": None}))
        compared = _score_baseline(baseline, examples) if baseline else {}
        found = _measure(specialist, examples, settings)
        if fit:
            pin(specialist.folder, calibrate(found.judged))
        if card:
            _add_to_card(found, specialist, data.name, compared)
    except _FAULTS as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        said = asdict(replace(found, judged=[])) | {"confidence": confidence_of(found)}
        typer.echo(json.dumps(said | ({"baseline": compared} if compared else {})))
    else:
        _print(found, specialist, compared)


def _measure(specialist: Specialist, examples: Sequence[Example], settings: Settings) -> Evaluation:
    engine = load_engines([specialist], settings)[specialist.name]
    try:
        return evaluate(specialist, examples, engine)
    finally:
        engine.close()


def _score_baseline(training: Path, examples: Sequence[Example]) -> dict[str, dict[str, float]]:
    """The baseline's name -> its metrics."""
    name, baseline = fit_baseline(read_examples(training))
    return {name: score(examples, baseline([example.input for example in examples]))}


def _add_to_card(
    found: Evaluation, specialist: Specialist, data: str, compared: Mapping[str, Mapping[str, float]]
) -> None:
    what = "adapter" if specialist.manifest.adapter else "base, untuned"
    add_score(specialist.folder, data, found.n, found.metrics, f"{what}, {found.valid_share:.1f} % valid")
    for name, scores in compared.items():
        add_score(specialist.folder, data, found.n, scores, name)


def confidence_of(found: Evaluation) -> dict[str, Any] | None:
    """Calibration error before and after a calibration that did not see the answer, and the surest answers' score."""
    if len(found.judged) < LEAST_JUDGED:
        return None
    calibrated = cross_calibrated(found.judged)
    return {
        "error_raw": round(calibration_error(found.judged), 2),
        "error": round(calibration_error(calibrated), 2),
        "coverage": [{name: round(value, 3) for name, value in row.items()} for row in coverage(calibrated)],
    }


def _print_confidence(said: dict[str, Any], console: Console) -> None:
    table = Table(title="answers kept, the surest first")
    for name in ("kept, %", "confidence from", "exactly right, %"):
        table.add_column(name, justify="right")
    for row in said["coverage"]:
        table.add_row(f"{row['coverage']:.0f}", f"{row['threshold']:.3f}", f"{row['right']:.1f}")
    console.print(table)
    console.print(
        f"calibration error {said['error']:.1f} (5-fold; {said['error_raw']:.1f} as the model says it), in points"
    )


def pin(folder: Path, calibration: Calibration) -> None:
    """Put it into the manifest, as text: comments there stay."""
    path = folder / "specialist.toml"
    text = _CONFIDENCE_TABLE.sub("", path.read_text()).rstrip("\n")
    numbers = f"scale = {calibration.scale:.3f}\nshift = {calibration.shift:.3f}"
    path.write_text(f"{text}\n\n[confidence]  # manyhands eval --calibrate\n{numbers}\n")


def _print(found: Evaluation, specialist: Specialist, compared: Mapping[str, Mapping[str, float]]) -> None:
    tuned = "adapter" if specialist.manifest.adapter else "no adapter"
    who = f"with {tuned}" if specialist.manifest.hosts_model else specialist.manifest.inner_engine
    table = Table(title=f"{found.specialist} ({who}) on {found.n} examples, in percent")
    table.add_column("metric")
    table.add_column(found.specialist, justify="right")
    for name in compared:
        table.add_column(name, justify="right")
    for metric, percent in found.metrics.items():
        low, high = found.intervals[metric]
        table.add_row(
            metric,
            f"{percent:.2f} ({low:.1f} to {high:.1f})",
            *(f"{scores[metric]:.2f}" for scores in compared.values()),
        )
    table.add_row("valid answers", f"{found.valid_share:.2f}", *("" for _ in compared))
    console = Console()
    console.print(table)
    console.print(
        f"{found.seconds:.1f} s, {found.jobs_per_s:.2f} jobs/s; a job reads {found.tokens_in:.0f} tokens and writes "
        f"{found.tokens_out:.0f}. In brackets: 95 % intervals."
    )
    if said := confidence_of(found):
        _print_confidence(said, console)
    for reason, count in found.refused.items():
        console.print(f"{count} x {reason}", markup=False)
