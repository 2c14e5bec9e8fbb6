"""The view of a batch: what came of each job. Knows no route."""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.api.answers.problems import problem_body, refusal_of
from coordinator.goals.batches import Accepted, Refused
from infra.records import Json


def batch_view(done: Sequence[Accepted | Refused]) -> Json:
    accepted = sum(isinstance(each, Accepted) for each in done)
    return {"accepted": accepted, "refused": len(done) - accepted, "items": list(map(_item_view, done))}


def _item_view(each: Accepted | Refused) -> Json:
    if isinstance(each, Accepted):
        return {"status": 200 if each.earlier else 202, "id": each.job_id, "error": None, "retry_after_s": None}
    status, title, faults, headers = refusal_of(each)
    retry_after_s = int(headers["Retry-After"]) if "Retry-After" in headers else None
    return {"status": status, "id": None, "error": problem_body(status, title, faults), "retry_after_s": retry_after_s}
