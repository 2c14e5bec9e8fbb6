"""The planner's input: a goal, its inputs by shape and sample, and the job types on offer. Asks nobody."""

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
    """The input of a job of type `planner`. The planner may ask others first if its schema has a place for answers."""
    told = {name: told_of(value) for name, value in inputs.items()}
    asked = {"goal": goal, "inputs": told, "job_types": offers(catalog)}
    return asked | ({HEARD: []} if _takes_answers(catalog) else {})


def with_answers(asked: Json, heard: Iterable[tuple[Ask, Json | None, float | None]]) -> Json:
    """The planner's input with the answers to its asks. `heard`: (ask, output or None, confidence) for each."""
    told = [
        {"type": ask.type, "input": ask.input, "output": output, "confidence": confidence}
        for ask, output, confidence in heard
    ]
    return asked | {HEARD: told}


def _takes_answers(catalog: Catalog) -> bool:
    return PLANNER in catalog and HEARD in catalog.get(PLANNER).input_schema.get("properties", {})
