"""Security, as the OpenAPI document tells it: which scope each route needs, and what the guard answers without it.

The guard stands before all routes, so that no route says this by itself."""

from __future__ import annotations

from typing import Any

from coordinator.api.answers.problems import PROBLEM_JSON
from coordinator.api.scopes import scope_of
from infra.access import Scope

_SCHEME = "key"
_ABOUT = (
    "A key that `manyhands keys create` has made, as `Authorization: Bearer mh_…`. Keys are asked for where "
    "`MANYHANDS_KEYS` is set."
)
_CHALLENGE = {
    "WWW-Authenticate": {
        "description": "How to ask, and what is wrong with the key (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
    }
}


def with_keys(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the scope of each route, and the statuses 401 and 403 where a key is needed."""
    scheme = {"type": "http", "scheme": "bearer", "description": _ABOUT}
    document.setdefault("components", {})["securitySchemes"] = {_SCHEME: scheme}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            scope = scope_of(method.upper(), path)
            operation["security"] = [{_SCHEME: [scope.value]}] if scope else []
            if scope:
                operation["responses"] |= _refusals(scope)
    return document


def _refusals(scope: Scope) -> dict[str, Any]:
    meanings = {
        "401": "There is no key, or the key is unknown or has ended. Only where keys are on.",
        "403": f"The key has not the scope `{scope.value}`. Only where keys are on.",
    }
    body = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": meaning, "headers": _CHALLENGE, "content": body} for status, meaning in meanings.items()
    }
