"""Responses: the statuses that routes send, with their headers, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Any

from coordinator.api.document.events import EventStreamBody
from coordinator.api.document.problem import ProblemDetails

Responses = dict[int | str, dict[str, Any]]


def header(description: str, required: bool = False, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "required": required, "schema": {"type": kind}}


RETRY_AFTER = {"Retry-After": header("Seconds after which the request may be sent again.", kind="integer")}
_LOCATION = header("The address of what was accepted.", required=True)
_WARNING = header("The fields of the request that have another name now (RFC 7234, code 299).")
RATE_LIMIT = {
    "RateLimit-Policy": header("The bounds of the tenant's quota, if it has any: `q` in `w` seconds (IETF draft)."),
    "RateLimit": header("What is left of the quota: `r`, and `t` seconds until all of it is there again."),
}
_LINK = header('The address of the next page: `</v1/…>; rel="next"` (RFC 8288).')
_REPLAYED = header("`true`: an earlier request with the same idempotency key had this response.", required=True)

#: The headers of refusals.
_HEADERS = {422: RATE_LIMIT, 429: RETRY_AFTER | RATE_LIMIT, 503: RETRY_AFTER}

#: What each status means, wherever no route says more.
_MEANINGS = {
    400: "The body is not JSON in UTF-8, or a header has a value that is not allowed.",
    404: "There is no such thing, or it was forgotten since.",
    409: "The goal is in a state in which this cannot be done.",
    410: "What the idempotency key was used for has ended, and was forgotten since.",
    413: "The body is too large.",
    415: "The body does not say that it is JSON.",
    422: "The request is not valid; the problem names all faults.",
    429: "Too many jobs of the tenant wait, or its quota is used up.",
    500: "The server has a fault, or a stored record does not read.",
    503: "The ledger does not answer, too many requests wait, or the job type takes no more jobs in.",
}

#: What reading a body may come to.
BODY = (400, 413, 415)


def refusals(*statuses: int) -> Responses:
    """The refusals that a route sends: those of `statuses`, and the two that every route may send, 422 and 500."""
    return {status: _problem(status) for status in sorted({*statuses, 422, 500})}


def accepted(description: str, warns: bool = False) -> Responses:
    headers = {"Location": _LOCATION, **RATE_LIMIT} | ({"Warning": _WARNING} if warns else {})
    return {202: {"description": description, "headers": headers}}


def replayed(body: Any) -> Responses:
    """The responses to a request with a known idempotency key: what it asked for has ended, or still runs."""
    headers = {"Idempotency-Replayed": _REPLAYED, "Warning": _WARNING}
    ended = "An earlier request with the same idempotency key has ended, and this is how."
    runs = "What an earlier request with the same idempotency key asked for still runs."
    return {
        200: {"model": body, "description": ended, "headers": headers},
        409: {"model": ProblemDetails, "description": runs, "headers": {"Location": _LOCATION}},
    }


def page() -> Responses:
    """The response with one page of a list."""
    description = (
        "One page. It may be short, or empty, and have another page behind it all the same, because a page looks at a "
        "bounded number of entries. The last page has no `Link`."
    )
    return {200: {"description": description, "headers": {"Link": _LINK}}}


def kept(body: Any) -> Responses:
    """The responses to saving under a name."""
    headers = {"Warning": _WARNING}
    return {
        200: {"description": "The plan has taken the place of the one that had the name.", "headers": headers},
        201: {"model": body, "description": "The name is new.", "headers": headers},
    }


def streamed() -> Responses:
    headers = {
        "Cache-Control": header("Always `no-store`.", required=True),
        "X-Accel-Buffering": header("Always `no`: a proxy passes each event on at once.", required=True),
    }
    description = (
        "The events as they happen, until the goal has ended. A comment comes every ten seconds in which nothing "
        "happens. If the ledger does not answer, the stream ends with a `retry` field."
    )
    return {200: {"model": EventStreamBody, "description": description, "headers": headers}}


def _problem(status: int) -> dict[str, Any]:
    headers = _HEADERS.get(status)
    return {"model": ProblemDetails, "description": _MEANINGS[status], **({"headers": headers} if headers else {})}
