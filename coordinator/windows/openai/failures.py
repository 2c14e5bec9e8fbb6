"""Failures of jobs and goals, as the problems that their caller is told. Know no route."""

from __future__ import annotations

from coordinator.api.answers.problems import Problem
from infra.records import FailureKind

#: The client would send the same again, and get the same: our own attempts have been made.
FINAL = {"x-should-retry": "false"}
_CALLERS = {FailureKind.INVALID_INPUT: "invalid_input", FailureKind.TOO_LONG: "context_length_exceeded"}


def failed(what: str, kind: FailureKind, message: str) -> Problem:
    """`what`: whose failure it is, such as "the job 123". The status and the code follow from its kind."""
    fault = f"{what} ended without an output ({kind}): {message}"
    if code := _CALLERS.get(kind):
        return Problem(400, "The input cannot be done", [fault], FINAL, {"param": "messages", "code": code})
    if kind is FailureKind.EXPIRED:
        return Problem(503, "No answer in time", [fault], FINAL, {"code": "timeout"})
    return Problem(500, "No answer", [fault], FINAL, {"code": f"job_{kind}"})


def not_ended(what: str) -> Problem:
    fault = f"{what} has not ended within its deadline; look at it later, or send it again"
    return Problem(503, "No answer in time", [fault], FINAL, {"code": "timeout"})
