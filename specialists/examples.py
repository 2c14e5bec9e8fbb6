"""Examples of a job: JSON Lines of `{"input": ..., "output": ...}`, plain or gzipped. Knows nothing of training."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from specialists.schemas import Json

#: Of a specialist, in its folder.
EXAMPLES = "examples.jsonl"

Row = TypeVar("Row")


class ExamplesError(ValueError):
    """A file of examples that cannot be read; says which line."""


@dataclass(frozen=True)
class Example:
    input: Json
    output: Json
    source: str | None = None  #: which data set a row comes from, where a file mixes several


def read_examples(path: Path) -> list[Example]:
    """All examples of the file, in order. Raises ExamplesError on the first line that is not one."""
    return _read(path, '"input": …, "output": …', lambda row: Example(row["input"], row["output"], row.get("source")))


def drawn(rows: list[Row], count: int | None) -> list[Row]:
    """`count` of them at random, always the same ones; all where there are no more or `count` is None.

    Files of examples are often sorted by their answers: the first ones say little of the others.
    """
    return rows if count is None or count >= len(rows) else random.Random(3).sample(rows, count)


def read_inputs(path: Path) -> list[Json]:
    """Those of the file, with an output beside them or not. Raises ExamplesError on the first line without one."""
    return _read(path, '"input": …', lambda row: row["input"])


def _read(path: Path, shape: str, of_row: Callable[[Any], Row]) -> list[Row]:
    found = []
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found.append(of_row(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise ExamplesError(f"{path.name}:{number}: not {{{shape}}}: {error!r}") from None
    if not found:
        raise ExamplesError(f"{path.name}: no examples in it")
    return found
