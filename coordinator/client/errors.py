"""The errors of the client: a request that was refused, and one that got no response. Knows no method of the client."""

from __future__ import annotations

from typing import Any

import httpx

from coordinator.exits import Reason

RECONNECT_S = 0.5  #: after this pause a request is sent again that got no response


class ApiError(Reason):
    """The server refused the request, or would refuse it. `errors` names all faults."""

    def __init__(
        self,
        status: int,
        title: str,
        errors: list[str],
        retry_after_s: float | None = None,
        location: str | None = None,
    ) -> None:
        super().__init__(f"{title}: {'; '.join(errors)}" if errors else title)
        self.status = status
        self.title = title
        self.errors = errors
        self.retry_after_s = retry_after_s  #: when to come back; None if it would not help
        self.location = location  #: where the requested goal or job is, if it goes on already

    @property
    def lines(self) -> list[str]:
        return [self.title, *(f"- {fault}" for fault in self.errors)]


class ApiUnreachable(Reason):
    """Nothing answers at the address, or the connection was cut."""

    retry_after_s: float | None = RECONNECT_S
    location: str | None = None


def unanswered(error: httpx.RequestError, what: str) -> ApiError | ApiUnreachable:
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):  # it cannot be sent, now or later
        return refusal(str(error))
    return ApiUnreachable(f"{what}: {error}")


def refusal(fault: str) -> ApiError:
    """The error with which the server would answer a request that need not be sent."""
    return ApiError(400, "The request is not valid", [fault])


def json_of(response: httpx.Response, where: str) -> Any:
    """The value in a response. Raises ApiError if it is not JSON, as a page that something else shows."""
    try:
        return response.json()
    except ValueError:
        title = f"what answers at {where} is no API of manyhands: its answer is not JSON"
        raise ApiError(response.status_code, title, []) from None


def error_of(response: httpx.Response, where: str) -> ApiError:
    """The error that a response tells. One that is no problem of the API may be a proxy's, so it names `where`."""
    wait = response.headers.get("retry-after", "")
    location = response.headers.get("location") if response.status_code == httpx.codes.CONFLICT else None
    retry_after_s = float(wait) if wait.isdecimal() else None
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        title, faults = f"HTTP {response.status_code} from {where}", [response.text[:200]] if response.text else []
    else:
        problem = response.json()
        title, faults = problem["title"], problem.get("errors", [])
    return ApiError(response.status_code, title, faults, retry_after_s, location)
