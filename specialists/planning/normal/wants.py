"""A plan's demands on the planner beyond its job types, read off its steps in training and in search alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from specialists.planning.normal.form import Normal
from specialists.planning.words.texts import WANTS
from specialists.schemas import Json


def wants_of(plan: Normal, steps: Sequence[Json]) -> dict[str, bool]:
    """Which of `WANTS` the plan has; never `impossible`."""
    found = dict.fromkeys(WANTS, False)
    for operation in plan.operations:
        if operation.function in found:
            found[operation.function] = True
        if operation.function not in ("template", "join"):
            _read_options(operation.function, json.loads(operation.value or "{}"), found)
    uses = list(plan.uses)
    heads = tuple(f"{name}(" for name in plan.types)
    fed = [use for use in uses if any(origin.startswith(heads) for _, origin in use.arguments)]
    found["flatten"] = any(step["type"] == "flatten" for step in steps)
    found["chain"] = bool(heads and fed)
    found["then"] = any(use.kept for use in uses)
    found["ends"] = plan.ends > 1
    found["pair"] = any(step["type"] == "table" and _given_columns(step) > 1 for step in steps)
    found["single"] = bool(uses) and not any(use.mapped for use in uses)
    found["literal"] = any(_is_literal(origin) for use in uses for _, origin in use.arguments)
    found["untyped"] = not uses
    return found


def _read_options(function: str, options: dict[str, Any], found: dict[str, bool]) -> None:
    if function == "filter" and not {"equals", "any_of", "contains"} & set(options):
        found["number"] = True
    if options.get("negate"):
        found["negate"] = True
    if options.get("descending") or (function == "top" and not options.get("smallest")):
        found["descending"] = True


def _given_columns(step: Json) -> int:
    """The number of a table's columns that are not inputs."""
    columns = step["args"]["columns"]
    return sum(1 for each in columns if isinstance(each, dict) and not each["$ref"].startswith("inputs"))


def _is_literal(origin: str) -> bool:
    return origin[:1] in '"-0123456789[' or origin in ("true", "false")
