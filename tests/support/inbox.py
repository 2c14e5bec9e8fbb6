"""Plans over the demo's inbox, and what comes of them: shared by the tiers that run the whole system."""

from __future__ import annotations

from infra.records import Json


def ref(path: str) -> Json:
    return {"$ref": path}


def each(step_id: str, job_type: str) -> Json:
    over = {"over": ref("inputs.messages"), "as": "item"}
    return {"id": step_id, "type": job_type, "map": over, "args": {"text": ref("item")}}
