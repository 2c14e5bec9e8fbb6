"""The OpenAPI document: FastAPI makes it, and this file gives problems the media type that they are sent as.

`security` adds what the guard asks for and answers, to all routes alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from coordinator.api.document.security import with_keys
from coordinator.api.problems import PROBLEM_JSON


def openapi_of(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A function that makes the document of `app` when it is first called, and keeps it."""
    made = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = with_keys(_with_problems(made()))
        return app.openapi_schema

    return document


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Put problems under their own media type. FastAPI knows only one media type for all bodies of a route."""
    for operation in (each for path in document["paths"].values() for each in path.values()):
        refusals = (each for status, each in operation["responses"].items() if int(status) >= 400)
        for refusal in refusals:
            (body,) = refusal["content"].values()
            refusal["content"] = {PROBLEM_JSON: body}
    return document
