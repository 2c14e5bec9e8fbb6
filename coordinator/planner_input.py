"""What the planner is asked: a goal, its inputs by shape and sample, and the job types on offer. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coordinator.samples import told_of
from infra.records import Json
from specialists.catalog import Catalog
from specialists.offers import offers


def planner_input(goal: str, inputs: Mapping[str, Any], catalog: Catalog) -> Json:
    """The input of a job of type `planner`."""
    told = {name: told_of(value) for name, value in inputs.items()}
    return {"goal": goal, "inputs": told, "job_types": offers(catalog)}
