"""Offers: what the planner is told of each job type. Knows nothing of goals."""

from __future__ import annotations

from specialists.catalog import Catalog
from specialists.schemas import Json, type_of
from specialists.specialist import Specialist

PLANNER = "planner"


def offers(catalog: Catalog) -> list[Json]:
    """One offer for each job type that plans may use, by name."""
    return [offer(each) for each in catalog if each.manifest.planned and each.name != PLANNER]


def offer(specialist: Specialist) -> Json:
    properties = specialist.input_schema["properties"]
    return {
        "name": specialist.name,
        "description": specialist.manifest.description,
        "params": {name: _kind(schema) for name, schema in properties.items()},
        "required": list(specialist.input_schema.get("required", [])),
        "returns": list(specialist.output_schema["properties"]),
    }


def _kind(schema: Json) -> str:
    kinds = {type_of(value) for value in schema.get("enum", [])}
    return str(schema.get("type") or (kinds.pop() if len(kinds) == 1 else "any"))
