"""Routes of models, in OpenAI's shape."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from coordinator.api.asked.bodies import StrictRoute
from coordinator.windows.openai.document import ModelBody, ModelsBody, errors
from coordinator.windows.openai.models import Models

ModelName = Annotated[str, Path(description="The name of a specialist.")]


def model_routes(models: Models) -> APIRouter:
    routes = APIRouter(prefix="/v1/models", tags=["openai"], route_class=StrictRoute)

    @routes.get("", summary="List the models: the specialists that host one", responses=errors())
    def listed() -> ModelsBody:
        return {"object": "list", "data": models.all()}

    @routes.get("/{name}", summary="Show a model", responses=errors(404))
    def one(name: ModelName) -> ModelBody:
        return models.one(name)

    return routes
