"""One job for people: why it has no output, and what is to be known of the one that it has. Knows the API's views."""

from __future__ import annotations

from infra.records import Json


def job_failure(job: Json) -> str:
    """Why a job that has ended has no output."""
    failure = job["failure"]
    return f"{job['state']}: {failure['kind']}: {failure['message']}" if failure else str(job["state"])


def job_cut(job: Json) -> str | None:
    """What its model was not shown of its input; None: nothing was left out."""
    cut = job["usage"].get("cut", 0)
    return f"cut to fit: the last {cut:,} characters were not read" if cut else None


def job_escalated(job: Json) -> str | None:
    """Who was asked too, and why; None: nobody."""
    if not (told := job["escalated"]):
        return None
    how = "answered" if told["state"] == "succeeded" else f"has no answer ({told['state']}): the first one stands"
    return f"{job['type']} was too unsure ({told['first_confidence']:.2f}): {told['type']} {how}"
