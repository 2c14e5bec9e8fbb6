"""Problems, as the HTTP API sends them: RFC 9457."""

from __future__ import annotations

from pydantic import Field

from coordinator.api.document.shape import Shape


class ProblemDetails(Shape):
    """Why a request was not done (RFC 9457)."""

    type: str
    """Always `about:blank`: the status says what kind of problem it is."""
    title: str
    status: int
    detail: str = ""
    """The first three faults in one sentence."""
    errors: list[str] = Field(default=[])
    """All faults, each with the place of the fault in the request."""
    id: str = ""
    """The id of the goal or job that an earlier request with the same idempotency key made."""
