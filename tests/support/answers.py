"""What a planner answers in a test: plans of the steps that the test wants, in the planner's own form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def draft(*steps: Json, words: str = "", confidence: float = 0.9, grounded: Sequence[Json] = (), **rest: Any) -> Json:
    """One plan of an answer."""
    return {"steps": list(steps), "words": words, "confidence": confidence, "grounded": list(grounded), **rest}


def answered(*drafts: Json, answer: str = "plan", reason: str = "") -> Json:
    confidence = drafts[0]["confidence"] if drafts else 0.0
    return {"answer": answer, "confidence": confidence, "reason": reason, "plans": list(drafts)}


def planned(*steps: Json) -> Json:
    """A plan that simply runs."""
    return answered(draft(*steps))


def unsure(*drafts: Json, reason: str = "two job types fit") -> Json:
    return answered(*drafts, answer="unsure", reason=reason)


def refused(reason: str = "nothing here translates; nearest: triage", **rest: Any) -> Json:
    return {**answered(answer="refused", reason=reason), **rest}


def ask(*asks: tuple[str, Json]) -> Json:
    """Others are to be asked first: a job type and an input each."""
    return {**answered(answer="ask"), "asks": [{"type": job_type, "input": input} for job_type, input in asks]}
