"""The HTTP API: goals and jobs in, results and events out. Needs the ledger; knows neither queue nor model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio.to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from opentelemetry.trace import NoOpTracer, Tracer

from coordinator.admission.door import Door
from coordinator.api.answers import problems
from coordinator.api.cors import allow_origins
from coordinator.api.document.openapi import openapi_of
from coordinator.api.guard import Guard
from coordinator.api.metrics import ApiMetrics
from coordinator.api.middleware import Observed
from coordinator.api.routes.deployment import DeploymentLedger, deployment_routes
from coordinator.api.routes.goals import goal_routes
from coordinator.api.routes.jobs import job_routes
from coordinator.api.routes.letters import letter_routes
from coordinator.api.routes.plans import plan_routes
from coordinator.api.waiting.event_stream import EventStream
from coordinator.api.waiting.listener import Listener
from coordinator.api.waiting.pace import Pace, Paced
from coordinator.api.waiting.places import Places
from coordinator.api.waiting.presence import Presence
from coordinator.api.waiting.waits import Waits
from coordinator.goals.batches import Batches
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.goals import Goals
from coordinator.goals.letters import LetterLedger, Letters
from coordinator.goals.lists import Lists
from coordinator.goals.saved_plans import SavedPlans
from coordinator.keys.check import KeyCheck
from coordinator.keys.own_things import own_things
from coordinator.windows.mcp.window import McpWindow
from coordinator.windows.openai.document import in_openais_shape
from coordinator.windows.openai.error_shape import ErrorShape
from coordinator.windows.openai.window import openai_routes
from infra.ledger.protocols.keys import KeyReader
from infra.ledger.protocols.saved_plans import SavedPlanStore
from infra.settings import Settings
from specialists.catalog import Catalog

#: The most requests that ask the ledger at once. More threads would only keep each other, and the event loop, waiting.
THREADS = 16
#: The most requests that wait for a run, and watchers. They hold no thread.
WAITING = 192


class ApiLedger(GoalLedger, SavedPlanStore, LetterLedger, DeploymentLedger, KeyReader, Protocol):
    """What all routes together need of the ledger."""


def create_api(
    ledger: ApiLedger,
    catalog: Catalog,
    settings: Settings,
    metrics: ApiMetrics | None = None,
    tracer: Tracer | None = None,
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with mcp.open():
            yield
        listener.close()

    # Its pages work without the network: FastAPI's own load their scripts from elsewhere.
    app = FastAPIOffline(
        title="manyhands",
        description="A distributed task queue of specialist small language models.",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,  # from the address of a thing without a name to that of all of them
    )
    app.openapi = openapi_of(app, in_openais_shape)  # type: ignore[method-assign]  # as FastAPI's manual has it
    app.state.body_bytes = settings.api_body_bytes
    problems.install(app)
    metrics = metrics or ApiMetrics()
    pace = Pace()
    app.add_middleware(Presence)
    app.add_middleware(Guard, KeyCheck(ledger) if settings.keys else None)
    app.add_middleware(ErrorShape)
    app.add_middleware(Paced, pace)
    app.add_middleware(Observed, metrics, tracer or NoOpTracer())
    allow_origins(app, settings.cors_origins)
    ledger = own_things(ledger)
    door, places = Door(ledger, catalog, settings, metrics.refusals), Places(WAITING, metrics)
    goals = Goals(ledger, catalog, settings, metrics.runs, door)
    listener = Listener(ledger, pace)
    waits = Waits(ledger, goals, listener)
    lists = Lists(ledger, catalog)
    app.include_router(goal_routes(goals, lists, places, waits, EventStream(ledger, goals, listener)))
    app.include_router(job_routes(goals, lists, Batches(ledger, goals), places, waits))
    app.include_router(plan_routes(SavedPlans(ledger, catalog, goals)))
    letters = letter_routes(Letters(ledger, catalog, goals), goals)
    app.include_router(letters, prefix="/v1/dead-letters")
    app.include_router(letters, prefix="/v1/letters", include_in_schema=False)
    app.include_router(deployment_routes(ledger, catalog, door))
    app.include_router(openai_routes(goals, catalog, places, waits))
    mcp = McpWindow(goals, catalog, places, waits, settings)
    app.router.routes.append(mcp.route)
    return app
