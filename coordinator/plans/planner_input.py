"""What the planner is asked: a goal, its inputs by shape and sample, and the job types on offer. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from coordinator.plans.answer import Ask
from coordinator.plans.samples import told_of
from infra.records import Json
from specialists.catalog import Catalog
from specialists.offers import PLANNER, offers

HEARD = "heard"


def planner_input(goal: str, inputs: Mapping[str, Any], catalog: Catalog) -> Json:
    """The input of a job of type `planner`, which may ask others first where its schema has a place for the answers."""
    told = {name: told_of(value) for name, value in inputs.items()}
    asked = {"goal": goal, "inputs": told, "job_types": offers(catalog)}
    return asked | ({HEARD: []} if _takes_answers(catalog) else {})


def with_answers(asked: Json, heard: Iterable[tuple[Ask, Json | None, float | None]]) -> Json:
    """The planner's input with what its `asks` came to: each with its output, None if it has none, and confidence."""
    told = [
        {"type": ask.type, "input": ask.input, "output": output, "confidence": confidence}
        for ask, output, confidence in heard
    ]
    return asked | {HEARD: told}


def _takes_answers(catalog: Catalog) -> bool:
    return PLANNER in catalog and HEARD in catalog.get(PLANNER).input_schema.get("properties", {})
