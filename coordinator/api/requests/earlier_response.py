"""The earlier response, which a request gets if its idempotency key was used before. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Response

from coordinator.api.problems import Problem
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.refusals import Unknown
from coordinator.runs.run import Run

_HEADER = "header Idempotency-Key"


def earlier_run(used: KeyUsed, goals: Goals, location: str, response: Response) -> Run:
    """Return the first request's run once it has ended, and mark `response` as that of an earlier request.

    Raises Problem."""
    if not used.same:
        raise Problem(422, "The key was used for another request", [f"{_HEADER}: send a new key with a new request"])
    with kept():
        run = goals.load(used.run_id)
    if not run.state.ended:
        about = {"id": location.rpartition("/")[2]}
        fault = f"{_HEADER}: what was asked with it goes on; look at {location}"
        raise Problem(409, "Still running", [fault], {"Location": location}, about)
    response.status_code = 200
    response.headers["Idempotency-Replayed"] = "true"
    return run


@contextmanager
def kept() -> Iterator[None]:
    """Raise Problem (410) if the block finds that the earlier goal or job was forgotten or purged since."""
    try:
        yield
    except Unknown:
        fault = f"{_HEADER}: what was asked with it has ended, and was forgotten since; send a new key"
        raise Problem(410, "Forgotten", [fault]) from None
