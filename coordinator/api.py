"""The HTTP API: goals and jobs in, results and events out. Needs the ledger; knows neither queue nor model."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Response
from fastapi.responses import StreamingResponse
from fastapi_offline import FastAPIOffline
from opentelemetry.trace import NoOpTracer, Tracer

from coordinator import problems, views
from coordinator.api_metrics import ApiMetrics
from coordinator.bodies import StrictRoute
from coordinator.event_stream import START, event_stream
from coordinator.goals import JOB_STEP, Goal, Goals
from coordinator.observed import Observed
from coordinator.places import Places, Watch
from coordinator.problems import Problem
from coordinator.run import Run
from infra.ledger import ENTRY_ID, Ledger
from infra.records import Job, Json, Record, RunState
from infra.settings import Settings
from specialists.catalog import Catalog, UnknownJobType

MAX_WAIT_S = 60.0
#: Requests that wait for a run, and watchers, each hold a thread: those that do not are to find one all the same.
THREADS = 256
WAITING = 192
_PREFER = re.compile(r"(?:^|[,;\s])wait=(\d{1,6}(?:\.\d{1,3})?)(?=$|[,;\s])")


class JobRequest(Record):
    """One typed job."""

    type: str
    input: Json


def wait_s(
    wait: Annotated[
        float | None, Query(ge=0, description=f"Seconds to wait for the end; at most {MAX_WAIT_S:g}")
    ] = None,
    prefer: Annotated[str | None, Header(description="RFC 7240: wait=N")] = None,
) -> float:
    preferred = _PREFER.search(prefer or "")
    asked = wait if wait is not None else float(preferred[1]) if preferred else 0.0
    if math.isnan(asked):
        raise Problem(422, "The request is not valid", ["query.wait: must be a number"])
    return min(asked, MAX_WAIT_S)


Wait = Annotated[float, Depends(wait_s)]


def create_api(
    ledger: Ledger,
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
    )
    app.state.body_bytes = settings.api_body_bytes
    problems.install(app)
    metrics = metrics or ApiMetrics()
    app.add_middleware(Observed, metrics, tracer or NoOpTracer())
    goals, places = Goals(ledger, catalog, settings, metrics.runs), Places(WAITING, metrics)
    app.include_router(_goal_routes(ledger, goals, places))
    app.include_router(_job_routes(ledger, goals, places))
    app.include_router(_deployment_routes(ledger, catalog))
    return app


def _goal_routes(ledger: Ledger, goals: Goals, places: Places) -> APIRouter:
    routes = APIRouter(prefix="/v1/goals", tags=["goals"], route_class=StrictRoute)

    def view(run: Run) -> Json:
        return views.goal_view(run, goals.result(run) if run.state is RunState.SUCCEEDED else None)

    @routes.post("", status_code=202, summary="Accept a goal, in words or as a plan")
    def accept(goal: Goal, wait: Wait, response: Response) -> Json:
        with places.taken(wait > 0):
            run = goals.accept(goal)
            response.headers["Location"] = f"/v1/goals/{run.id}"
            return view(goals.wait(run.id, wait) if wait else run)

    @routes.get("", summary="The newest goals first")
    def recent(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[Json]:
        return [views.goal_view(run) for run in goals.recent(limit)]

    @routes.get("/{run_id}", summary="A goal: its plan, its progress, its result")
    def status(run_id: str, wait: Wait) -> Json:
        with places.taken(wait > 0):
            return view(goals.wait(run_id, wait))

    @routes.get("/{run_id}/events", summary="Its events, as they happen", response_class=StreamingResponse)
    def events(run_id: str, last_event_id: Annotated[str, Header()] = START) -> StreamingResponse:
        if not ENTRY_ID.fullmatch(last_event_id):
            raise Problem(400, "The request is not valid", ["header Last-Event-ID: no id of an event"])
        goals.load(run_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = event_stream(ledger, goals, run_id, last_event_id)
        return Watch(places, stream, media_type="text/event-stream", headers=headers)

    @routes.post("/{run_id}/cancel", summary="End it and its jobs")
    @routes.delete("/{run_id}", summary="End it and its jobs")
    def cancel(run_id: str) -> Json:
        return view(goals.cancel(run_id))

    return routes


def _job_routes(ledger: Ledger, goals: Goals, places: Places) -> APIRouter:
    routes = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

    def view(job_id: str) -> Json:
        status = ledger.job(job_id)
        if status is None:
            raise Problem(404, "Not found", [f"no job {job_id[:200]!r}: never released, or forgotten since"])
        return views.job_view(status)

    @routes.post("", status_code=202, summary="Run one typed job")
    def accept(request: JobRequest, wait: Wait, response: Response) -> Json:
        with places.taken(wait > 0):
            run = goals.accept_job(request.type, request.input)
            job_id = Job.name(run.id, JOB_STEP, 0)
            response.headers["Location"] = f"/v1/jobs/{job_id}"
            if wait:
                goals.wait(run.id, wait)
            return view(job_id)

    @routes.get("/{job_id}", summary="A job: its state and its outcome")
    def status(job_id: str) -> Json:
        return view(job_id)

    return routes


def _deployment_routes(ledger: Ledger, catalog: Catalog) -> APIRouter:
    routes = APIRouter(tags=["deployment"])

    @routes.get("/v1/job-types", summary="What can be asked")
    def job_types() -> list[Json]:
        return [views.job_type_view(specialist) for specialist in catalog]

    @routes.get("/v1/job-types/{name}")
    def job_type(name: str) -> Json:
        try:
            return views.job_type_view(catalog.get(name))
        except UnknownJobType as error:
            raise Problem(404, "Not found", [str(error)]) from None

    @routes.get("/v1/specialists", summary="Who answers, pinned by digest")
    def specialists() -> list[Json]:
        return [views.specialist_view(specialist) for specialist in catalog]

    @routes.get("/v1/workers", summary="Who is alive, and how much waits for them")
    def workers() -> Json:
        return {"workers": ledger.workers(), "depths": ledger.depths()}

    @routes.get("/livez", summary="This process answers")
    async def livez() -> dict[str, Any]:  # not in a thread: it answers when all of them are held
        return {"status": "ok"}

    @routes.get("/readyz", summary="The ledger answers too")
    def readyz() -> dict[str, Any]:
        ledger.ping()
        return {"status": "ok"}

    return routes
