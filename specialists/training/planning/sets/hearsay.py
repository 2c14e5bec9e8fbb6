"""Hearsay: the owners' recorded answers about goals' words, so that the planner is fitted and measured without owners.

`python -m benchmarks.planning.hearsay` asks the owners. This module reads a file and asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from specialists.planning.evidence.owners import Ask
from specialists.planning.offers.request import Heard, Request, read_heard
from specialists.schemas import Json
from specialists.training.planning.writing.writing import read_rows

FILE = "heard.jsonl.gz"


@dataclass(frozen=True)
class Hearsay:
    said: dict[tuple[str, str], Heard] = field(default_factory=dict)  #: (job type, input as JSON) -> its answer

    def told(self, asks: Iterable[Ask]) -> list[Heard]:
        """The recorded answer to each ask; its output is None if this was never asked."""
        return [self.said.get(_key(each.type, each.input), Heard(each.type, each.input, None)) for each in asks]

    def hearing(self, request: Request, asks: Sequence[Ask]) -> Request:
        return replace(request, heard=tuple(self.told(asks)))


def load_hearsay(path: Path) -> Hearsay:
    """Load the file; without a file the hearsay is empty. It raises WritingError."""
    rows = read_rows(path, read_heard) if path.exists() else ()
    return Hearsay({_key(each.type, each.input): each for each in rows})


def _key(job_type: str, input: Json) -> tuple[str, str]:
    return job_type, json.dumps(input, sort_keys=True)
