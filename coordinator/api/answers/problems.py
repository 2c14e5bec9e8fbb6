"""Problems: they send every error of the HTTP API as application/problem+json (RFC 9457). Know no route."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as PlainHTTPException

from coordinator.admission.decide import Why
from coordinator.admission.door import NotAdmitted
from coordinator.goals.refusals import GoalRefused, Unknown
from coordinator.keys.quotas import OverQuota
from coordinator.plans.saved_plan import UnreadablePlan
from coordinator.runs.confirmation import NotUnsure
from coordinator.runs.rerun import RerunRefused
from coordinator.runs.run import UnreadableRun
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Json

RETRY_AFTER_S = 2
PROBLEM_JSON = "application/problem+json"

#: Why a request is not let in -> status and title.
_NOT_ADMITTED = {
    Why.TOO_MANY: (422, "More jobs than may ever wait"),
    Why.TENANT_BACKLOG: (429, "Too many of the tenant's jobs wait"),
    Why.DRAINING: (503, "The job type takes nothing in"),
    Why.BACKLOG: (503, "Too many jobs wait"),
    Why.DEADLINE: (503, "The deadline cannot be met"),
}


class Problem(HTTPException):
    """A refusal that names all faults at once. `about`: more members of the problem, such as the id of a goal."""

    def __init__(
        self,
        status: int,
        title: str,
        faults: list[str] | None = None,
        headers: dict[str, str] | None = None,
        about: Json | None = None,
    ) -> None:
        super().__init__(status, title, headers)
        self.faults = faults or []
        self.about = about or {}


def problem_body(status: int, title: str, faults: list[str] | None = None, about: Json | None = None) -> Json:
    body: Json = {"type": "about:blank", "title": title, "status": status, **(about or {})}
    if faults:
        body |= {"detail": "; ".join(faults[:3]) + ("; …" if len(faults) > 3 else ""), "errors": faults}
    return body


def refusal_of(error: Exception) -> tuple[int, str, list[str], dict[str, str]]:
    """Status, title, faults and headers for a job or goal that is not taken in."""
    if isinstance(error, NotAdmitted):
        wait = error.retry_after_s
        return *_NOT_ADMITTED[error.why], error.faults, {"Retry-After": str(wait)} if wait else {}
    if isinstance(error, GoalRefused):
        return 422, "Not accepted", error.faults, {}
    if isinstance(error, OverQuota):
        if error.retry_after_s is None:
            return 422, "More than the tenant's quota ever allows", error.faults, {}
        return 429, "The tenant's quota is used up", error.faults, {"Retry-After": str(error.retry_after_s)}
    return 503, "The ledger does not answer", ["try again soon"], {"Retry-After": str(RETRY_AFTER_S)}


def problem_response(
    status: int,
    title: str,
    faults: list[str] | None = None,
    headers: dict[str, str] | None = None,
    about: Json | None = None,
) -> JSONResponse:
    # A fault may name half a surrogate pair that came in an address; JSON in ASCII can say so.
    return _Problems(problem_body(status, title, faults, about), status, headers)


class _Problems(JSONResponse):
    media_type = PROBLEM_JSON


def install(app: FastAPI) -> None:
    """Have every error that a route or the router raises sent as a problem."""

    @app.exception_handler(PlainHTTPException)
    def on_http(_: Request, error: PlainHTTPException) -> JSONResponse:
        faults, about = (error.faults, error.about) if isinstance(error, Problem) else ([], {})
        return problem_response(error.status_code, str(error.detail), faults, dict(error.headers or {}), about)

    @app.exception_handler(RequestValidationError)
    def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        return problem_response(422, "The request is not valid", faults)

    for refusal in (GoalRefused, NotAdmitted, OverQuota, LedgerUnavailable):

        @app.exception_handler(refusal)
        def on_refused(_: Request, error: Exception) -> JSONResponse:
            return problem_response(*refusal_of(error))

    @app.exception_handler(RerunRefused)
    def on_rerun_refused(_: Request, error: RerunRefused) -> JSONResponse:
        return problem_response(409, "Not taken up again", [str(error)])

    @app.exception_handler(NotUnsure)
    def on_not_unsure(_: Request, error: NotUnsure) -> JSONResponse:
        return problem_response(409, "Nothing to confirm", [str(error)])

    @app.exception_handler(Unknown)
    def on_unknown(_: Request, error: Unknown) -> JSONResponse:
        return problem_response(404, "Not found", [str(error)])

    @app.exception_handler(UnreadableRun)
    def on_unreadable(_: Request, error: UnreadableRun) -> JSONResponse:
        return problem_response(500, "The goal's record does not read", [str(error)])

    @app.exception_handler(UnreadablePlan)
    def on_unreadable_plan(_: Request, error: UnreadablePlan) -> JSONResponse:
        return problem_response(500, "The saved plan's record does not read", [str(error)])

    @app.exception_handler(Exception)
    def on_fault(_: Request, error: Exception) -> JSONResponse:
        return problem_response(500, HTTPStatus(500).phrase, [f"a fault of ours ({type(error).__name__}); see the log"])
