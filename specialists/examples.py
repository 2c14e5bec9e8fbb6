"""Examples of a job: JSON Lines of `{"input": ..., "output": ...}`, plain or gzipped. Knows nothing of training."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from infra.json_lines import SHOWN, FileFault, left_out, lines_of, read_bytes
from specialists.schemas import Json, value_faults
from specialists.specialist import Specialist
from specialists.trial import EXAMPLES as EXAMPLES

Row = TypeVar("Row")


class ExamplesError(ValueError):
    """A file of examples cannot be read; the message names the line."""


@dataclass(frozen=True)
class Example:
    input: Json
    output: Json
    source: str | None = None  #: the data set that the row comes from, if the file mixes several


#: Receives a sentence about lines of a file that cannot be used.
Tell = Callable[[str], None]


def read_examples(path: Path, tell: Tell | None = None) -> list[Example]:
    """Return all examples of the file, in order.

    Lines that are no example are left out and reported to `tell`; without `tell` the first one raises ExamplesError. It
    also raises ExamplesError if the file cannot be read or has no example.
    """
    return _read(path, '"input": …, "output": …', _example, tell)


def drawn(rows: list[Row], count: int | None) -> list[Row]:
    """Draw `count` rows at random, the same ones on every call; all rows if there are no more or `count` is None.

    Files of examples are often sorted by their answers, so the first rows say little about the others.
    """
    return rows if count is None or count >= len(rows) else random.Random(3).sample(rows, count)


def read_inputs(path: Path, tell: Tell | None = None) -> list[Json]:
    """Return the inputs of the file, which may stand alone. Faulty lines are treated as in `read_examples`."""
    return _read(path, '"input": …', lambda row: _object(row, "input"), tell)


def answerable(specialist: Specialist, examples: Sequence[Example], tell: Tell) -> list[Example]:
    """Keep the examples whose output the specialist's schema allows, and report the others to `tell`.

    It raises ExamplesError if no example is left.
    """
    faults = [value_faults(each.output, specialist.output_schema, f"{specialist.name}.output") for each in examples]
    kept = [example for example, found in zip(examples, faults, strict=True) if not found]
    if not (wrong := [found[0] for found in faults if found]):
        return kept
    reasons = Counter(wrong)
    told = "; ".join(f"{fault} ({count})" for fault, count in reasons.most_common(SHOWN))
    if not kept:
        raise ExamplesError(f"none of the {len(examples)} examples has an output of {specialist.name!r}: {told}")
    tell(f"{len(wrong)} of {len(examples)} examples left out, as {specialist.name!r} has no such output: {told}")
    return kept


def _read(path: Path, shape: str, of_row: Callable[[Any], Row], tell: Tell | None) -> list[Row]:
    found: list[Row] = []
    faults: list[tuple[int, str]] = []
    try:
        for line in lines_of(read_bytes(path)):
            if line.fault is None:
                try:
                    found.append(of_row(line.value))
                    continue
                except (ValueError, KeyError, TypeError) as error:
                    fault = f"not {{{shape}}}: {error}"
            else:
                fault = line.fault
            if tell is None:
                raise ExamplesError(f"{path.name}:{line.number}: {fault}")
            faults.append((line.number, fault))
    except FileFault as error:
        raise ExamplesError(f"{path}: {error}") from None
    if not found:
        raise ExamplesError(left_out(path.name, faults, len(faults)) if faults else f"{path.name}: no examples in it")
    if faults and tell:
        tell(left_out(path.name, faults, len(found) + len(faults)))
    return found


def _example(row: Any) -> Example:
    return Example(_object(row, "input"), _object(row, "output"), row.get("source"))


def _object(row: Any, name: str) -> Json:
    if not isinstance(row, dict) or not isinstance(row.get(name), dict):
        raise TypeError(f"{name!r} must be an object")
    value: Json = row[name]
    return value
