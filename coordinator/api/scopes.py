"""Which scope a request needs, by its method and its path. Knows no key.

A route that is not named here needs `read` to be looked at, and `admin` for anything else.
"""

from __future__ import annotations

from infra.access import Scope

#: Paths that need no key: they say whether the process answers, or describe the API as its source does.
FREE = frozenset({"/livez", "/readyz", "/docs", "/openapi.json"})
#: The scripts of `/docs`.
_FREE_FOLDER = "/static-offline-docs/"
_LOOKS = frozenset({"GET", "HEAD"})
#: What a tenant sends and steers: requests with other methods than GET to these and to what is below them.
_SUBMITTED = ("/mcp", "/v1/chat", "/v1/fine_tuning", "/v1/goals", "/v1/jobs", "/v1/plans", "/v1/responses")


def is_free(path: str) -> bool:
    return path in FREE or path.startswith(_FREE_FOLDER)


def scope_of(method: str, path: str) -> Scope | None:
    """The scope that the request needs; None if it needs no key."""
    if is_free(path):
        return None
    if method in _LOOKS:
        return Scope.READ
    if any(path == each or path.startswith(f"{each}/") for each in _SUBMITTED):
        return Scope.SUBMIT
    return Scope.ADMIN
