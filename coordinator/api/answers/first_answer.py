"""A request whose idempotency key was used before: the answer that it had, or why there is none. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Response

from coordinator.api.answers.problems import Problem
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.refusals import Unknown
from coordinator.runs.run import Run

_HEADER = "header Idempotency-Key"


def replay(used: KeyUsed, goals: Goals, location: str, response: Response) -> Run:
    """The run of the first request, once it has ended, and `response` says whose it is. Raises Problem."""
    if not used.same:
        raise other_request()
    with remembered():
        run = goals.load(used.run_id)
    if not run.state.ended:
        about = {"id": location.rpartition("/")[2]}
        fault = f"{_HEADER}: what was asked with it goes on; look at {location}"
        raise Problem(409, "Still running", [fault], {"Location": location}, about)
    response.status_code = 200
    response.headers["Idempotency-Replayed"] = "true"
    return run


def other_request() -> Problem:
    return Problem(422, "The key was used for another request", [f"{_HEADER}: send a new key with a new request"])


@contextmanager
def remembered() -> Iterator[None]:
    """Raises Problem where what was asked then is unknown now: its retention is over, or it was purged."""
    try:
        yield
    except Unknown:
        fault = f"{_HEADER}: what was asked with it has ended, and was forgotten since; send a new key"
        raise Problem(410, "Forgotten", [fault]) from None
