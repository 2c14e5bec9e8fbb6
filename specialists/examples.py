"""Examples of a job: JSON Lines of `{"input": ..., "output": ...}`, plain or gzipped. Knows nothing of training."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from specialists.schemas import Json

#: Of a specialist, in its folder.
EXAMPLES = "examples.jsonl"


class ExamplesError(ValueError):
    """A file of examples that cannot be read; says which line."""


@dataclass(frozen=True)
class Example:
    input: Json
    output: Json
    source: str | None = None  #: which data set a row comes from, where a file mixes several


def read_examples(path: Path) -> list[Example]:
    """All examples of the file, in order. Raises ExamplesError on the first line that is not one."""
    examples = []
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                examples.append(Example(row["input"], row["output"], row.get("source")))
            except (ValueError, KeyError, TypeError) as error:
                raise ExamplesError(f'{path.name}:{number}: not {{"input": …, "output": …}}: {error!r}') from None
    if not examples:
        raise ExamplesError(f"{path.name}: no examples in it")
    return examples
