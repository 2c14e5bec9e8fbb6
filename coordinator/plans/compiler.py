"""Compiles a draft to a plan: checks it whole and names every fault at once. Pure; sends and stores nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from coordinator.plans import references
from coordinator.plans.checker import Checker
from coordinator.plans.plan import MAX_STEPS, Limits, Plan, PlanRefused, Step
from coordinator.plans.schema_fit import schema_of
from infra.field_names import current_name
from infra.records import Json
from specialists.catalog import Catalog


def compile_plan(draft: Any, catalog: Catalog, inputs: Mapping[str, Any], limits: Limits) -> Plan:
    """The plan that `draft` stands for, with `limits` narrowed by the draft's own. Raises PlanRefused."""
    return _compiled(draft, catalog, schema_of(dict(inputs)), inputs, limits)


def compile_open(draft: Any, catalog: Catalog, schemas: Mapping[str, Json], limits: Limits) -> Plan:
    """Like `compile_plan`, but before the inputs are given: `schemas` has the schema of each. Raises PlanRefused."""
    properties = dict(schemas)
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return _compiled(draft, catalog, schema, None, limits)


def _compiled(draft: Any, catalog: Catalog, schema: Json, inputs: Mapping[str, Any] | None, limits: Limits) -> Plan:
    faults: list[str] = []
    steps = _read_steps(draft, faults)
    asked = draft if isinstance(draft, dict) else {}
    own = narrowed(limits, asked.get("limits", {}), faults)
    checker = Checker(steps, _ids(asked), catalog, schema, inputs, own)
    result = asked.get("result", sinks(steps))
    checker.check(result)
    if faults := faults + checker.faults:
        raise PlanRefused(faults)
    return Plan(steps=tuple(steps), result=result, limits=own)


def narrowed(limits: Limits, asked: Any, faults: list[str]) -> Limits:
    """`limits` with the values that `asked` sets; `max_jobs` and `max_replans` may only be lower than before."""
    if not isinstance(asked, dict):
        faults.append("limits: must be an object")
        return limits
    try:
        own = Limits.model_validate({**_unsaid(limits, asked), **asked})
    except ValidationError as error:
        faults += [f"limits.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        return limits
    for name in ("max_jobs", "max_replans"):
        if getattr(own, name) > getattr(limits, name):
            faults.append(f"limits.{name}: {getattr(own, name)} is more than this deployment's {getattr(limits, name)}")
    return own


def _unsaid(limits: Limits, asked: Json) -> Json:
    """The limits that `asked` does not set, under the current or an old name."""
    said = set(map(current_name, asked))
    return {name: limit for name, limit in limits.model_dump().items() if name not in said}


def _read_steps(draft: Any, faults: list[str]) -> list[Step]:
    """The steps that are well formed. Faults of the other steps and of the draft itself are added to `faults`."""
    if not isinstance(draft, dict) or not isinstance(draft.get("steps"), list) or not draft["steps"]:
        faults.append("a plan is an object with a list 'steps' of at least one step")
        return []
    if unknown := sorted(draft.keys() - {"steps", "result", "limits"}):
        faults.append(f"plan: unknown {', '.join(map(repr, unknown))}; known: steps, result, limits")
    if len(draft["steps"]) > MAX_STEPS:
        faults.append(f"plan: {len(draft['steps'])} steps, the limit is {MAX_STEPS}")
    steps = []
    for number, raw in enumerate(draft["steps"][:MAX_STEPS], 1):
        name = raw.get("id") if isinstance(raw, dict) else None
        try:
            steps.append(Step.model_validate(raw))
        except ValidationError as error:
            where = f"step {name!r}" if isinstance(name, str) else f"step number {number}"
            faults += [f"{where}: {'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors()]
    return steps


def _ids(draft: Json) -> set[str]:
    """Every step id in the draft. Ids of malformed steps count too, so that a reference to one is no second fault."""
    steps = draft.get("steps")
    found = [step.get("id") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return {step_id for step_id in found if isinstance(step_id, str)}


def sinks(steps: Sequence[Step]) -> Any:
    """The result of a plan that names none: the value of the one step that no other needs.

    If there are several such steps, it is an object with the value of each by its id.
    """
    needed = set().union(*(step.needs() for step in steps)) if steps else set()
    sinks = {step.id: {references.KEY: step.id} for step in steps if step.id not in needed}
    return next(iter(sinks.values())) if len(sinks) == 1 else sinks
