"""`manyhands eval`: measures a specialist on a file of examples. Does not know how that is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.settings import Settings
from specialists.bases.weights import WeightsError
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.confidence import Calibration, calibrate, calibration_error, coverage, cross_calibrated
from specialists.examples import EXAMPLES, Example, ExamplesError, answerable, drawn, read_examples
from specialists.manifest_text import ManifestTextError, with_table
from specialists.measuring.baselines import BaselineError, fit_baselines
from specialists.measuring.card import CARD, add_score, machine, today
from specialists.measuring.facts import Compared, Confidence, Facts, FactsError, Measured, WithFallback
from specialists.measuring.guessing import guessed
from specialists.measuring.metrics import Rules, score
from specialists.specialist import Specialist
from workers.engines import EngineError
from workers.measuring.evaluate import Evaluation, evaluate_here
from workers.measuring.with_fallback import with_fallback_of


class EvalError(ValueError):
    """The options do not go together, or there is nothing to keep the scores in."""


UNTUNED = "base, untuned"
MEASURE = "measure"  #: the manifest's table

#: Fewer answers say too little about how sure the others are: fitted on 60, it was worse than none (receipt, 2026-11).
LEAST_JUDGED = 100

_FAULTS = (
    BaselineError,
    CatalogError,
    FactsError,
    UnknownJobType,
    ExamplesError,
    ManifestTextError,
    EngineError,
    EvalError,
    WeightsError,
    OSError,
)


def register_eval(app: typer.Typer) -> None:
    app.command(name="eval")(_eval)


def _eval(
    name: Annotated[str, typer.Argument(help="The specialist.")],
    data: Annotated[Path, typer.Option(help='JSON Lines of {"input": …, "output": …}, plain or .gz.')],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="So many examples, drawn at random.")] = None,
    untuned: Annotated[bool, typer.Option("--untuned", help="The base without its adapter, same grammar.")] = False,
    shots: Annotated[
        int, typer.Option(min=0, help="Show the untuned base so many of the specialist's examples, or all.")
    ] = 0,
    baseline: Annotated[Path | None, typer.Option(help="Training data of simple baselines to print beside.")] = None,
    fit: Annotated[bool, typer.Option("--calibrate", help="Fit the specialist's confidence; pin it.")] = False,
    card: Annotated[bool, typer.Option("--card", help="Add the scores to the specialist's card and facts.")] = False,
) -> None:
    """Measure a specialist on examples, through the engine that serves it."""
    settings = Settings()
    try:
        catalog = load_catalog(settings.specialists)
        specialist = catalog.get(name)
        if specialist.notice:
            _warn(specialist.notice)
        if specialist.manifest.inner_engine == "planner":
            raise EvalError(f"plans are right by what comes of them: try goals for {name!r} with `manyhands rehearse`")
        examples = drawn(answerable(specialist, read_examples(data, _warn), _warn), limit)
        rules = specialist.manifest.measure
        if untuned and specialist.manifest.head:
            raise EvalError(f"{name!r} reads its answers off by what it has learnt: leave out --untuned")
        if untuned and fit:
            raise EvalError("--calibrate is for the adapter that ships: leave out --untuned")
        if shots and not untuned:
            raise EvalError("--shots is what the base is shown: give --untuned too")
        if card and limit and not untuned:
            raise EvalError("--card keeps what was measured on all of --data: leave out --limit")
        if card and not (specialist.folder / CARD).exists():
            raise EvalError(f"{name!r} has no {CARD} to keep scores in: `manyhands train` writes one")
        shown = read_examples(specialist.folder / EXAMPLES)[:shots] if shots else []
        if untuned:
            specialist = _untuned(specialist, shown)
        compared = _score_baselines(baseline, examples, rules) if baseline else {}
        found = evaluate_here(specialist, examples, settings)
        if not rules:
            typer.echo(_told_of_guessing(name, examples), err=True)
        if fit:
            specialist = _calibrated(specialist, found)
        if card:
            _keep(found, specialist, data.name, compared, len(shown))
        if not as_json:
            _print(found, specialist, compared)
        fallback = None if untuned else specialist.manifest.fallback
        with_fallback = (
            with_fallback_of(specialist, catalog.get(fallback.to), examples, found, settings) if fallback else None
        )
        if card and with_fallback:
            Facts.load(specialist.folder).with_fallback(with_fallback).save(specialist.folder)
    except _FAULTS as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        said = asdict(replace(found, answers=[])) | {"confidence": trust(found)}
        said |= {"with_fallback": with_fallback.model_dump() if with_fallback else None} | (
            {"baselines": compared} if compared else {}
        )
        typer.echo(json.dumps(said))
    elif with_fallback:
        _print_with_fallback(with_fallback)


def _warn(sentence: str) -> None:
    typer.echo(f"warning: {sentence}", err=True)


def _calibrated(specialist: Specialist, found: Evaluation) -> Specialist:
    """The specialist with its confidence fitted and pinned. With too few answers it stays as it is, and we say so."""
    if len(found.judged) < LEAST_JUDGED:
        typer.echo(
            f"no confidence is pinned: {len(found.judged)} answers came with a probability, and a calibration needs "
            f"{LEAST_JUDGED}; give more examples, and engine transformers",
            err=True,
        )
        return specialist
    calibration = calibrate(found.judged)
    pin(specialist.folder, calibration)
    return replace(specialist, manifest=specialist.manifest.model_copy(update={"confidence": calibration}))


def _untuned(specialist: Specialist, shown: Sequence[Example]) -> Specialist:
    """The specialist's base alone. It is shown these examples with their answers before the question."""
    texts = [specialist.render(each.input) + specialist.write(each.output) + "\n\n" for each in shown]
    limits = specialist.manifest.limits
    room = limits.model_copy(update={"input_tokens": limits.input_tokens + sum(map(len, texts))})
    manifest = specialist.manifest.model_copy(update={"adapter": None, "limits": room})
    return replace(specialist, manifest=manifest, prompt="".join(texts) + (specialist.prompt or ""))


def _score_baselines(training: Path, examples: Sequence[Example], rules: Rules) -> dict[str, dict[str, float]]:
    """The name of each baseline -> its metrics."""
    from specialists.training.linear.labelling import fit_labels

    inputs, fitted = [example.input for example in examples], fit_baselines(read_examples(training), fit_labels)
    return {name: score(examples, ask(inputs), rules) for name, ask in fitted.items()}


def _told_of_guessing(name: str, examples: Sequence[Example]) -> str:
    """A notice with the metrics that were guessed, as a table for the manifest, where they can be changed."""
    rules = {metric: rule.model_dump(exclude_none=True) for metric, rule in guessed(examples).items()}
    return (
        f"notice: the manifest of {name!r} names no metrics, so they were guessed from the shape of its outputs. "
        f"To choose them, put this into its specialist.toml and change it:\n{with_table('', MEASURE, rules)}"
    )


def _keep(
    found: Evaluation,
    specialist: Specialist,
    data: str,
    compared: Mapping[str, Mapping[str, float]],
    shots: int,
) -> None:
    """Keep the scores in the specialist's card and facts, as its own or as those of its base."""
    tuned, folder, facts = specialist.manifest.adapter is not None, specialist.folder, Facts.load(specialist.folder)
    what = "adapter" if tuned else f"{UNTUNED}, {shots} shots" if shots else UNTUNED
    add_score(folder, data, found.n, found.metrics, f"{what}, {found.valid_share:.1f} % valid")
    others = [Compared(who=name, metrics=dict(scores), n=found.n) for name, scores in compared.items()]
    if tuned:
        facts = facts.with_measure(_measured(found, data, others))
    else:
        others.append(
            Compared(
                who=f"{UNTUNED}, few-shot" if shots else UNTUNED,
                metrics=found.metrics,
                n=found.n,
                valid_share=found.valid_share,
            )
        )
    for other in others:
        if not other.who.startswith(UNTUNED):
            add_score(folder, data, found.n, other.metrics, other.who)
        facts = facts.with_compared(other, data)
    facts.save(folder)


def _measured(found: Evaluation, data: str, compared: Sequence[Compared]) -> Measured:
    said = trust(found)
    return Measured(
        data=data,
        date=today(),
        n=found.n,
        metrics=found.metrics,
        intervals=found.intervals,
        counts=found.counts,
        valid_share=found.valid_share,
        tokens_in=found.tokens_in,
        tokens_out=found.tokens_out,
        jobs_per_s=found.jobs_per_s,
        device=machine(),
        confidence=Confidence.model_validate(said) if said else None,
        compared=tuple(compared),
    )


def trust(found: Evaluation) -> dict[str, Any] | None:
    """The calibration error before and after a calibration on other answers, and the scores of the surest answers."""
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


def _print_with_fallback(found: WithFallback) -> None:
    scores = ", ".join(f"{metric} {percent:.2f}" for metric, percent in found.metrics.items())
    Console().print(
        f"with {found.to} below a confidence of {found.below:g}: {found.share:.1f} % asked of it; {scores}; "
        f"{found.jobs_per_s:.2f} jobs/s"
    )


def beaten(found: Evaluation, compared: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A sentence for each simple method that has a better main metric than the specialist."""
    metric, own = next(iter(found.metrics.items()))
    return [
        f"{found.specialist} is worse than a simple method: {metric} {own:.2f}, and {name} has {scores[metric]:.2f}"
        for name, scores in compared.items()
        if scores[metric] > own
    ]


def pin(folder: Path, calibration: Calibration) -> None:
    """Write the calibration into the manifest as text, so that its comments stay. Raises ManifestTextError."""
    path = folder / "specialist.toml"
    said = {"scale": round(calibration.scale, 3), "shift": round(calibration.shift, 3)}
    path.write_text(with_table(path.read_text(), "confidence", said, "manyhands eval --calibrate"))


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
    for sentence in beaten(found, compared):
        console.print(sentence, style="red", markup=False)
    if said := trust(found):
        _print_confidence(said, console)
    for reason, count in found.refused.items():
        console.print(f"{count} x {reason}", markup=False)
