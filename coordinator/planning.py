"""Planning: from the planner's draft to a plan, mended where there is one way to mend it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coordinator.compiler import compile_plan
from coordinator.plan import Limits, Plan, PlanRefused
from coordinator.repair import repair
from infra.records import Json
from specialists.catalog import Catalog


def plan_of(draft: Json, catalog: Catalog, inputs: Mapping[str, Any], limits: Limits) -> tuple[Plan, tuple[str, ...]]:
    """The draft's plan, and a sentence for each repair.

    The planner decodes greedily: asked again the same, it answers the same. So a draft is repaired, at most
    `max_replans` times, and never asked for anew. Raises PlanRefused with the faults of the draft as it came.
    """
    refused: PlanRefused | None = None
    repairs: tuple[str, ...] = ()
    for attempt in range(limits.max_replans + 1):
        try:
            return compile_plan(draft, catalog, inputs, limits), repairs
        except PlanRefused as faults:
            refused = refused or faults
        draft, mended = repair(draft, catalog, inputs)
        if not mended or attempt == limits.max_replans:
            break
        repairs += tuple(mended)
    assert refused
    raise refused
