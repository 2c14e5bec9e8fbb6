"""One job for people: the reason why it has no output, or sentences about its output. Knows the API's views."""

from __future__ import annotations

from coordinator.commands.views.unserved import unserved_line
from infra.records import Json


def job_failure(job: Json) -> str:
    """The reason why a job that has ended has no output."""
    failure, unserved = job["failure"], job["unserved"]
    said = f"{job['state']}: {failure['kind']}: {failure['message']}" if failure else str(job["state"])
    return f"{said}; {unserved_line(unserved)}" if unserved else said


def job_cut(job: Json) -> str | None:
    """A sentence that says how much of the input the model did not read; None if it read everything."""
    cut = job["usage"].get("cut", 0)
    return f"cut to fit: the last {cut:,} characters were not read" if cut else None


def job_fallback(job: Json) -> str | None:
    """A sentence that says which fallback was asked too, and why; None if none was asked."""
    if not (told := job["fallback"]):
        return None
    how = "answered" if told["state"] == "succeeded" else f"has no answer ({told['state']}): the first one stands"
    return f"{job['type']} was too unsure ({told['first_confidence']:.2f}): {told['type']} {how}"
