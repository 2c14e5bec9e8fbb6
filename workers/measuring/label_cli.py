"""`manyhands label`: a specialist's answers as training data for another one. Knows nothing of training.

This is the way to distil: a larger specialist with the same schemas labels inputs that have no outputs, and the smaller
one is trained on the answers that it was sure of.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from infra.settings import Settings
from specialists.bases.weights import WeightsError
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.examples import ExamplesError, drawn, read_inputs
from specialists.schemas import Json
from specialists.specialist import Specialist
from workers.attempt import confidence_of
from workers.engines import EngineError
from workers.engines.load import load_engines
from workers.measuring.evaluate import Asked, ask


class LabelError(ValueError):
    """Nothing can be kept, or nothing was kept."""


_FAULTS = (CatalogError, UnknownJobType, ExamplesError, EngineError, WeightsError, LabelError, OSError)
UNSURE = "less sure than that"


def register_label(app: typer.Typer) -> None:
    app.command()(label)


def label(
    name: Annotated[str, typer.Argument(help="The specialist that answers.")],
    data: Annotated[
        Path, typer.Option(exists=True, help='JSON Lines of {"input": …}, plain or .gz; outputs are not read.')
    ],
    out: Annotated[Path, typer.Option(help="The examples, as `manyhands train` takes them.")],
    above: Annotated[float, typer.Option(min=0, max=1, help="Keep answers of this confidence and more.")] = 0.0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many of the inputs, drawn at random; default: all.")
    ] = None,
) -> None:
    """Let a specialist answer inputs, and keep what it is sure of as examples to train another on."""
    settings = Settings()
    try:
        specialist, given = load_catalog(settings.specialists).get(name), read_inputs(data, _warn)
        if specialist.manifest.inner_engine == "planner":
            raise LabelError(f"{name!r} writes plans, on which `manyhands train` trains nothing")
        if all(specialist.input_faults(input) for input in given):
            fault = specialist.input_faults(given[0])[0]
            raise LabelError(f"{data.name}: none of the {len(given)} inputs is one of {name!r}: {fault}")
        inputs, left_out, kept = drawn(given, limit), Counter[str](), 0
        part = out.with_name(f"{out.name}.part")
        with part.open("w", encoding="utf-8") as lines:
            engine = load_engines([specialist], settings)[name]
            try:
                for row in labelled(specialist, inputs, ask(specialist, inputs, engine), above, left_out):
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                    kept += 1
            finally:
                engine.close()
        why = "".join(f"\n{count} x {reason}" for reason, count in left_out.most_common())
        if not kept:
            part.unlink()
            raise LabelError(f"none of the {len(inputs)} answers is kept:{why}")
        part.replace(out)
    except _FAULTS as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{out}: {kept} of {len(inputs)} answers, of a confidence of {above:g} and more{why}")


def _warn(sentence: str) -> None:
    typer.echo(f"warning: {sentence}", err=True)


def labelled(
    specialist: Specialist, inputs: Sequence[Json], answers: Iterator[Asked], above: float, left_out: Counter[str]
) -> Iterator[Json]:
    """Rows of a file of examples. `left_out` gets the reasons why other answers are left out, and how many they are.

    Raises LabelError if an answer must be sure and its engine does not say how sure it is.
    """
    for input, asked in zip(inputs, answers, strict=True):
        if asked.output is None:
            left_out[asked.refused or "no output"] += 1
            continue
        if above:
            confidence = confidence_of(specialist, asked.probability)
            if confidence is None:
                engine = specialist.manifest.engine
                raise LabelError(f"engine {engine!r} does not say how sure it is: leave out --above")
            if confidence < above:
                left_out[UNSURE] += 1
                continue
        yield {"input": input, "output": asked.output, "source": specialist.name}
