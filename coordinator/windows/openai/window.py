"""The window: all of OpenAI's routes, put together."""

from __future__ import annotations

from fastapi import APIRouter

from coordinator.api.waiting.places import Places
from coordinator.api.waiting.waits import Waits
from coordinator.goals.goals import Goals
from coordinator.windows.openai.chats import Chats
from coordinator.windows.openai.models import Models
from coordinator.windows.openai.routes_chat import chat_routes
from coordinator.windows.openai.routes_fine_tuning import fine_tuning_routes
from coordinator.windows.openai.routes_models import model_routes
from specialists.catalog import Catalog


def openai_routes(goals: Goals, catalog: Catalog, places: Places, waits: Waits) -> APIRouter:
    routes, models = APIRouter(), Models(catalog)
    routes.include_router(model_routes(models))
    routes.include_router(chat_routes(Chats(models, goals, waits), places))
    routes.include_router(fine_tuning_routes())
    return routes
