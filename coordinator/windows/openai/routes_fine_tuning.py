"""Routes of fine-tuning: they say that another command does it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from coordinator.api.answers.problems import Problem
from coordinator.api.asked.bodies import StrictRoute
from coordinator.windows.openai.document import ErrorBody, errors
from coordinator.windows.openai.failures import FINAL

_INSTEAD = (
    "the API trains nothing; make a folder of your own and train it with `manyhands train`, as docs/tutorial.md says"
)
_SAID: Any = {"status_code": 501, "responses": errors(501)}


def fine_tuning_routes() -> APIRouter:
    routes = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["openai"], route_class=StrictRoute)

    @routes.post("", summary="Say that fine-tuning is not done here", **_SAID)
    @routes.get("", summary="Say that fine-tuning is not done here", **_SAID)
    async def refused() -> ErrorBody:
        raise Problem(501, "Not done here", [_INSTEAD], FINAL)

    return routes
