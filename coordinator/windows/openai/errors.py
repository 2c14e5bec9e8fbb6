"""Errors as OpenAI's clients read them, made of problems. Knows no route."""

from __future__ import annotations

import re
from typing import Any

from infra.records import Json

#: OpenAI's paths, those that nothing answers yet included: a client is to read why.
_PATHS = (
    "/v1/batches", "/v1/chat", "/v1/completions", "/v1/embeddings", "/v1/files", "/v1/fine_tuning", "/v1/models",
    "/v1/responses",
)  # fmt: skip
#: Statuses that the clients have no class for, or that they take for a reason to try again.
_TOLD_AS = {409: 400, 410: 400, 422: 400}
#: Longer ones are not honoured: the clients would not try again at all.
LONGEST_RETRY_AFTER_S = 120
#: Status -> the error's type, and its code where the problem has none.
_KINDS: dict[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "missing_scope"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    501: ("invalid_request_error", "not_implemented"),
    503: ("server_error", "service_unavailable"),
}
_OF_BODY = re.compile(r"body\.([^:\s]+): ")


def is_openais(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in _PATHS)


def told_as(status: int) -> int:
    return _TOLD_AS.get(status, status)


def error_body(status: int, problem: Json) -> Json:
    """`problem`: as routes and the guard send it; its members `param` and `code` are the error's, if it has them."""
    faults = problem.get("errors", [])
    kind, code = _KINDS.get(told_as(status), ("invalid_request_error", None))
    message = ": ".join([problem["title"], *(["; ".join(faults)] if faults else [])])
    param = problem.get("param", _param(faults))
    return {"error": {"message": message, "type": kind, "param": param, "code": problem.get("code", code)}}


def _param(faults: list[Any]) -> str | None:
    found = _OF_BODY.match(str(faults[0])) if faults else None
    return found[1] if found else None
