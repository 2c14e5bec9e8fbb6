"""Builds the HTTP API from a ledger, a catalog and settings. Knows neither the queue nor any model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio.to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from opentelemetry.trace import NoOpTracer, Tracer

from coordinator.admission.door import Door
from coordinator.api import problems
from coordinator.api.document.openapi import openapi_of
from coordinator.api.metrics import ApiMetrics
from coordinator.api.middleware import Observed
from coordinator.api.requests.presence import Presence
from coordinator.api.requests.wait_limit import WaitLimit
from coordinator.api.routes.deployment import DeploymentLedger, deployment_routes
from coordinator.api.routes.goals import goal_routes
from coordinator.api.routes.jobs import job_routes
from coordinator.api.routes.letters import letter_routes
from coordinator.api.routes.plans import plan_routes
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.goals import Goals
from coordinator.goals.letters import LetterLedger, Letters
from coordinator.goals.saved_plans import SavedPlans
from infra.ledger.protocols.saved_plans import SavedPlanStore
from infra.settings import Settings
from specialists.catalog import Catalog

#: Requests that wait for a run, and watchers, each hold a thread: those that do not are to find one all the same.
THREADS = 256
WAITING = 192


class ApiLedger(GoalLedger, SavedPlanStore, LetterLedger, DeploymentLedger, Protocol):
    """The parts of the ledger that the routes use, together."""


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
        yield

    # Its pages work without the network: FastAPI's own load their scripts from elsewhere.
    app = FastAPIOffline(
        title="manyhands",
        description="A distributed task queue of specialist small language models.",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,  # from the address of a thing without a name to that of all of them
    )
    app.openapi = openapi_of(app)  # type: ignore[method-assign]  # as FastAPI's manual has it
    app.state.body_bytes = settings.api_body_bytes
    problems.install(app)
    metrics = metrics or ApiMetrics()
    app.add_middleware(Presence)
    app.add_middleware(Observed, metrics, tracer or NoOpTracer())
    door, limit = Door(ledger, catalog, settings, metrics.refusals), WaitLimit(WAITING, metrics)
    goals = Goals(ledger, catalog, settings, metrics.runs, door)
    app.include_router(goal_routes(ledger, goals, limit))
    app.include_router(job_routes(goals, limit))
    app.include_router(plan_routes(SavedPlans(ledger, catalog, goals)))
    app.include_router(letter_routes(Letters(ledger, catalog, goals), goals))
    app.include_router(deployment_routes(ledger, catalog, door))
    return app
