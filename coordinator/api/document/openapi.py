"""The OpenAPI document: FastAPI makes it, and this file gives problems the media type that they are sent as.

`security` adds what the guard asks for and answers, to all routes alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from coordinator.api.answers.problems import PROBLEM_JSON
from coordinator.api.document.security import with_keys

Document = dict[str, Any]


def openapi_of(app: FastAPI, finish: Callable[[Document], Document]) -> Callable[[], Document]:
    """A function that makes the document of `app` when it is first called, and keeps it.

    `finish`: has the last word on routes that answer in another shape than ours."""
    made = app.openapi

    def document() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = finish(with_keys(_with_problems(made())))
        return app.openapi_schema

    return document


def _with_problems(document: Document) -> Document:
    """Put problems under their own media type. FastAPI knows only one media type for all bodies of a route."""
    for operation in (each for path in document["paths"].values() for each in path.values()):
        refusals = (each for status, each in operation["responses"].items() if int(status) >= 400)
        for refusal in refusals:
            (body,) = refusal["content"].values()
            refusal["content"] = {PROBLEM_JSON: body}
    return document
