"""What a ladder has found so far, on disk after each rung, so that the same command goes on. Knows no model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import BaseModel

from specialists.examples import Example
from specialists.measuring.facts import Rung as Row
from specialists.specialist import Specialist

KEPT = "ladder.json"


class Kept(BaseModel):
    run: str  #: a digest of the schemas, the examples and the minutes
    rows: list[Row] = []
    budgets_s: dict[str, float] = {}  #: what a rung was given when it began; a resumed one keeps to it

    @classmethod
    def load(cls, out: Path, run: str) -> Self:
        """What is kept of the same run; of another one, nothing."""
        path = out / KEPT
        found = cls.model_validate_json(path.read_text("utf-8")) if path.exists() else cls(run=run)
        return found if found.run == run else cls(run=run)

    def save(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        scratch = out / f"{KEPT}.new"
        scratch.write_text(self.model_dump_json(indent=1), "utf-8")
        scratch.replace(out / KEPT)

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)

    def put(self, row: Row) -> None:
        """In the place of an earlier row of that name, or at the end."""
        places = [n for n, each in enumerate(self.rows) if each.name == row.name]
        if places:
            self.rows[places[0]] = row
        else:
            self.rows.append(row)


def run_of(specialist: Specialist, examples: Sequence[Example], dev: Sequence[Example], minutes: float) -> str:
    rows = [[[each.input, each.output] for each in some] for some in (examples, dev)]
    said = [specialist.name, specialist.input_schema, specialist.output_schema, rows, minutes]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
