"""Offers: the planner's view of each job type. Knows nothing of goals."""

from __future__ import annotations

from specialists.catalog import SHIPPED, Catalog
from specialists.schemas import Json
from specialists.specialist import Specialist

PLANNER = "planner"


def offers(catalog: Catalog) -> list[Json]:
    """One offer for each job type that plans may use, by name; the planner and the fallbacks of others are left out."""
    fallbacks = {each.manifest.fallback.to for each in catalog if each.manifest.fallback}
    return [offer(each) for each in catalog if each.manifest.planned and each.name not in {PLANNER, *fallbacks}]


def offer(specialist: Specialist) -> Json:
    return {
        "name": specialist.name,
        "description": specialist.manifest.description,
        "input": specialist.input_schema,
        "output": specialist.output_schema,
        "function": _is_own_function(specialist),
    }


def _is_own_function(specialist: Specialist) -> bool:
    """Whether it is a shipped function, whose meaning the planner was trained on."""
    return specialist.manifest.engine == "function" and specialist.folder.is_relative_to(SHIPPED)
