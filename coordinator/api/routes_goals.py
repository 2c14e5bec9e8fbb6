"""Routes of goals: taken in, looked at, watched, confirmed, cancelled, run again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.event_stream import START, event_stream
from coordinator.api.first_answer import replay
from coordinator.api.headers import Key, Left, Tenant, Wait, asking
from coordinator.api.paths import goal_path
from coordinator.api.problems import Problem
from coordinator.api.wait_limit import Places, Watch
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.request import Goal
from coordinator.runs.confirmation import Confirmation
from coordinator.runs.run import Run
from infra.ledger.protocol import ENTRY_ID
from infra.ledger.protocols.runs import RunEvents
from infra.records import Json, Record, RunState


class Rerun(Record):
    """Where a goal is to be taken up again."""

    step: str | None = Field(
        default=None, description="This step and all that needs it are run again. Without it: what failed."
    )


def goal_routes(ledger: RunEvents, goals: Goals, places: Places) -> APIRouter:
    routes = APIRouter(prefix="/v1/goals", tags=["goals"], route_class=StrictRoute)

    def view(run: Run) -> Json:
        result = goals.result(run) if run.state is RunState.SUCCEEDED else None
        return views.goal_view(run, () if run.state.ended else goals.paused(), result, goals.unserved(run))

    @routes.post("", status_code=202, summary="Send a goal: words, a plan, or the name of a saved plan")
    def accept(
        goal: Goal, wait: Wait, left: Left, tenant: Tenant, key: Key, request: Request, response: Response
    ) -> Json:
        with places.taken(wait > 0, tenant):
            try:
                run = goals.accept(goal, asking(request, tenant, key, lambda: goals.meaning(goal)))
            except KeyUsed as used:
                return view(replay(used, goals, goal_path(used.run_id), response))
            response.headers["Location"] = goal_path(run.id)
            return view(goals.wait(run.id, wait, left) if wait else run)

    @routes.get("", summary="List the newest goals first")
    def recent(limit: Annotated[int, Query(ge=1, le=200, description="How many goals are listed.")] = 50) -> list[Json]:
        paused = goals.paused()
        return [views.goal_view(run, paused) for run in goals.recent(limit)]

    @routes.get("/{run_id}", summary="Show a goal with its plan, its progress and its result")
    def status(run_id: str, wait: Wait, left: Left, tenant: Tenant) -> Json:
        with places.taken(wait > 0, tenant):
            return view(goals.wait(run_id, wait, left))

    @routes.get("/{run_id}/events", summary="Stream the goal's events as they happen", response_class=StreamingResponse)
    def events(
        run_id: str,
        left: Left,
        tenant: Tenant,
        last_event_id: Annotated[str, Header(description="The stream begins after this event.")] = START,
    ) -> StreamingResponse:
        if not ENTRY_ID.fullmatch(last_event_id):
            raise Problem(400, "The request is not valid", ["header Last-Event-ID: no id of an event"])
        goals.load(run_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = event_stream(ledger, goals, run_id, last_event_id, left)
        return Watch(places, tenant, stream, media_type="text/event-stream", headers=headers)

    @routes.post("/{run_id}/confirm", status_code=202, summary="Let an unsure goal go on with a plan")
    def confirm(
        run_id: str, confirmation: Confirmation, wait: Wait, left: Left, tenant: Tenant, response: Response
    ) -> Json:
        with places.taken(wait > 0, tenant):
            run = goals.confirm(run_id, confirmation)
            response.headers["Location"] = goal_path(run.id)
            return view(goals.wait(run.id, wait, left) if wait else run)

    @routes.post("/{run_id}/cancel", summary="End a goal and its jobs")
    @routes.delete("/{run_id}", summary="End a goal and its jobs")
    def cancel(run_id: str) -> Json:
        return view(goals.cancel(run_id))

    @routes.post(
        "/{run_id}/rerun", status_code=202, summary="Run an ended goal again, from a step on or from what failed"
    )
    def rerun(run_id: str, response: Response, asked: Rerun | None = None) -> Json:
        run = goals.rerun(run_id, asked.step if asked else None)
        response.headers["Location"] = goal_path(run.id)
        return view(run)

    return routes
