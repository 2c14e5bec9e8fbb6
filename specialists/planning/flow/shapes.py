"""Shapes: schemas of lists, of records and of choices among schemas. They are written here; nothing is checked."""

from __future__ import annotations

from specialists.schemas import Json, either

OPEN: Json = {"type": "object", "additionalProperties": True}


def list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def record_of(**properties: Json) -> Json:
    return object_of(properties, list(properties), False)


def object_of(properties: Json, required: list[str], is_open: bool) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": is_open}


def is_open(schema: Json) -> bool:
    """Whether an object may have fields that its schema does not name."""
    return schema.get("additionalProperties", True) is not False


def any_of(schemas: list[Json]) -> Json:
    found = schemas[0] if schemas else {}
    for schema in schemas[1:]:
        found = either(found, schema)
    return found
