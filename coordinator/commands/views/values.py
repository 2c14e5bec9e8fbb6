"""Values for people: writes one value of a plan or a result in a few words. Knows no goal."""

from __future__ import annotations

import json
from typing import Any

from coordinator.plans.references import is_reference

CELL = 200  #: the most characters of one value


def written(value: Any) -> str:
    """A value of a plan, in which references are written as their paths."""
    if is_reference(value):
        return str(value["$ref"])
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return short(json.dumps(value, ensure_ascii=False))


def cell(value: Any) -> str:
    """A value in one cell: `person Anna, location Ulm` for a list of pairs."""
    if isinstance(value, list):
        return short(", ".join(map(cell, value)))
    if isinstance(value, dict):
        return " ".join(map(cell, value.values()))
    return short(value) if isinstance(value, str) else json.dumps(value)


def short(text: str) -> str:
    return text if len(text) <= CELL else f"{text[:CELL]}…"
