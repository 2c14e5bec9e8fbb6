"""The fit of one JSON Schema's values to another schema, as far as the schemas say. Knows nothing of plans.

A schema without a type says nothing and fits everywhere; the worker checks the value itself later.
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.plans.references import EACH, is_index, split
from infra.records import Json
from specialists.schemas import kind_of as kind_of
from specialists.schemas import misfit as misfit
from specialists.schemas import schema_of as schema_of


def walk(schema: Json, names: Sequence[str], path: str) -> tuple[Json, str | None]:
    """The schema at `names` inside `schema`, and the fault if nothing can be there. `path` is for its sentence."""
    while names:
        if names[0] == EACH:
            return _walk_each(schema, names[1:], path)
        kind = kind_of(schema)
        if kind is None:
            return ({"type": "array", "items": {}} if EACH in names else {}), None
        name, names = split(names, schema.get("properties", ()))
        schema, fault = _step(schema, kind, name, path)
        if fault:
            return {}, fault
    return schema, None


def _walk_each(schema: Json, names: Sequence[str], path: str) -> tuple[Json, str | None]:
    """The schema of the list of what each element reaches. Lists inside a list are joined to one."""
    kind = kind_of(schema)
    if kind not in (None, "array"):
        return {}, f"reference {path!r}: {EACH!r} is asked of what is {kind}, no list"
    inner, fault = walk(schema.get("items", {}), names, path)
    return inner if fault or EACH in names else {"type": "array", "items": inner}, fault


def _step(schema: Json, kind: str, name: str, path: str) -> tuple[Json, str | None]:
    if kind == "object":
        return _property(schema, name, path)
    if kind != "array":
        return {}, f"reference {path!r}: {name!r} is asked of a {kind}"
    if is_index(name):
        return schema.get("items", {}), None
    at = path.rpartition(f".{name}")[0]
    return {}, f"reference {path!r}: {name!r} is asked of a list; map over the list instead, or write {at}[].{name}"


def _property(schema: Json, name: str, path: str) -> tuple[Json, str | None]:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    if name in properties:
        return properties[name], None
    if more is False:
        return {}, f"reference {path!r}: no {name!r} there; known: {', '.join(properties) or 'nothing'}"
    return (more if isinstance(more, dict) else {}), None
