"""Repairs of a draft: mistakes of a small planner that can be mended in one way only. Pure; guesses nothing.

Each repair is told to the caller with the plan. What has two readings is left as it is, and refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coordinator import references
from coordinator.fit import kind_of, schema_of
from infra.records import Json
from specialists.catalog import Catalog


def repair(draft: Json, catalog: Catalog, inputs: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """The draft with what can be mended mended, and a sentence a repair; none if there is nothing to mend."""
    notes: list[str] = []
    steps = [step for step in draft.get("steps", []) if isinstance(step, dict)]
    types = {step.get("id"): step.get("type") for step in steps}
    mapped = {step.get("id") for step in steps if "map" in step}
    mended = [_mend(step, types, mapped, catalog, inputs, notes) for step in steps]
    return {**draft, "steps": mended}, notes


def _mend(
    step: Json, types: dict[Any, Any], mapped: set[Any], catalog: Catalog, inputs: Mapping[str, Any], notes: list[str]
) -> Json:
    if step.get("type") not in catalog or not isinstance(step.get("args"), dict):
        return step
    properties = catalog.get(step["type"]).input_schema["properties"]
    args = {}
    for name, value in step["args"].items():
        if name not in properties:
            notes.append(f"step {step['id']!r}: left out the unknown argument {name!r}")
            continue
        args[name] = _reach_list(value, properties[name], types, mapped, catalog, f"step {step['id']!r}", notes)
    return _map_over(({**step, "args": args}), properties, inputs, notes)


def _reach_list(
    value: Any, schema: Json, types: dict[Any, Any], mapped: set[Any], catalog: Catalog, where: str, notes: list[str]
) -> Any:
    """`s2` where a list is asked for and step s2 answers an object with one list in it: that list."""
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_reach_list(each, items, types, mapped, catalog, where, notes) for each in value]
    path = value.get(references.KEY) if isinstance(value, dict) else None
    if kind_of(schema) != "array" or path in mapped or types.get(path) not in catalog:
        return value
    outputs = catalog.get(types[path]).output_schema["properties"]
    lists = [name for name, output in outputs.items() if kind_of(output) == "array"]
    if len(lists) != 1:
        return value
    notes.append(f"{where}: {path!r} is an object; took its list '{path}.{lists[0]}'")
    return {references.KEY: f"{path}.{lists[0]}"}


def _map_over(step: Json, properties: Json, inputs: Mapping[str, Any], notes: list[str]) -> Json:
    """One argument that is a list of the goal's where a string is asked for: one job an element."""
    if "map" in step:
        return step
    lists = [name for name, value in step["args"].items() if _is_list_for_one(value, properties[name], inputs)]
    if len(lists) != 1:
        return step
    over = step["args"][lists[0]]
    notes.append(f"step {step['id']!r}: {over[references.KEY]!r} is a list; one job an element")
    args = {**step["args"], lists[0]: {references.KEY: "item"}}
    return {**step, "map": {"over": over, "as": "item"}, "args": args}


def _is_list_for_one(value: Any, schema: Json, inputs: Mapping[str, Any]) -> bool:
    path = value.get(references.KEY) if isinstance(value, dict) else None
    head, _, name = path.partition(".") if isinstance(path, str) else ("", "", "")
    if head != references.INPUTS or name not in inputs:
        return False
    given = schema_of(inputs[name])
    return kind_of(given) == "array" and kind_of(given["items"]) == kind_of(schema) != "array"
