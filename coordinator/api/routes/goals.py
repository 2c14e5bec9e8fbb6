"""Routes of goals: taken in, looked at, watched, confirmed, cancelled, run again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Request, Response
from pydantic import Field

from coordinator.api.answers import views
from coordinator.api.answers.first_answer import replay
from coordinator.api.answers.goal_shown import goal_shown
from coordinator.api.answers.problems import Problem
from coordinator.api.asked.bodies import StrictRoute
from coordinator.api.asked.headers import Asker, Key, Tenant, Wait, asking
from coordinator.api.asked.pages import After, ListAsked, link, place_in
from coordinator.api.asked.paths import goal_path
from coordinator.api.document.examples import CONFIRMATIONS, GOALS, RERUNS
from coordinator.api.document.goal import GoalBody
from coordinator.api.document.parameters import GoalId, GoalState
from coordinator.api.document.responses import BODY, accepted, page, refusals, replayed, streamed
from coordinator.api.waiting.event_stream import START, EventStream
from coordinator.api.waiting.places import Places, Watch, place_of
from coordinator.api.waiting.waits import Waits
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.lists import Lists
from coordinator.goals.request import Goal
from coordinator.runs.confirmation import Confirmation
from coordinator.runs.run import Run
from infra.ledger.protocol import ENTRY_ID
from infra.records import Json, Record


class Rerun(Record):
    """Where a goal is to be taken up again."""

    step: str | None = Field(
        default=None,
        description="The step that is done anew, with all that needs it. Without it, what failed is done again.",
    )


CANCEL = "Cancel a goal and its jobs"
Choice = Annotated[Confirmation, Body(openapi_examples=CONFIRMATIONS)]
FromStep = Annotated[Rerun | None, Body(openapi_examples=RERUNS)]
LastEventId = Annotated[str, Header(description="The id of the last event that the watcher has got.")]


def goal_routes(goals: Goals, lists: Lists, places: Places, waits: Waits, events: EventStream) -> APIRouter:
    routes = APIRouter(prefix="/v1/goals", tags=["goals"], route_class=StrictRoute)

    def view(run: Run) -> Json:
        return goal_shown(goals, run)

    def new(
        goal: Annotated[Goal, Body(openapi_examples=GOALS)],
        tenant: Tenant,
        key: Key,
        request: Request,
        response: Response,
    ) -> Run:
        try:
            run = goals.accept(goal, asking(request, tenant, key, lambda: goals.meaning(goal)))
        except KeyUsed as used:
            return replay(used, goals, goal_path(used.run_id), response)
        response.headers["Location"] = goal_path(run.id)
        return run

    def confirmed(run_id: GoalId, confirmation: Choice, response: Response) -> Run:
        run = goals.confirm(run_id, confirmation)
        response.headers["Location"] = goal_path(run.id)
        return run

    new_run, confirmed_run = Depends(new), Depends(confirmed)
    place = Depends(place_of(places), scope="function")

    async def ended(run_id: GoalId, wait: Wait, asker: Asker) -> None:
        await waits.goal(run_id, wait, asker)

    async def new_ended(wait: Wait, asker: Asker, run: Run = new_run) -> None:
        await waits.goal(run.id, wait, asker)

    async def confirmed_ended(wait: Wait, asker: Asker, run: Run = confirmed_run) -> None:
        await waits.goal(run.id, wait, asker)

    @routes.post(
        "",
        status_code=202,
        summary="Accept a goal in words, as a plan, or by the name of a saved plan",
        responses=refusals(*BODY, 410, 429, 503)
        | accepted("The goal is accepted. It has its result if it ended within the wait.", warns=True)
        | replayed(GoalBody),
        dependencies=[place, Depends(new_ended)],
    )
    def accept(wait: Wait, run: Run = new_run) -> GoalBody:
        return view(goals.load(run.id) if wait else run)

    @routes.get("", summary="List goals, the newest first, page by page", responses=refusals(404, 503) | page())
    def listed(
        asked: ListAsked, request: Request, response: Response, state: GoalState = None, after: After = None
    ) -> list[GoalBody]:
        place = place_in(after, (int,))
        runs, behind = lists.goals(asked, state, place[0] if place else None)
        link(request, response, None if behind is None else [behind])
        paused = goals.paused()
        return [views.goal_view(run, paused) for run in runs]

    @routes.get(
        "/{run_id}",
        summary="Show a goal with its plan, its progress and its result",
        responses=refusals(400, 404, 503),
        dependencies=[place, Depends(ended)],
    )
    def status(run_id: GoalId) -> GoalBody:
        return view(goals.load(run_id))

    @routes.get(
        "/{run_id}/events",
        summary="Watch the events of a goal as they happen",
        status_code=200,
        response_class=Watch,
        responses=refusals(400, 404, 503) | streamed(),
    )
    def watch(run_id: GoalId, asker: Asker, tenant: Tenant, last_event_id: LastEventId = START) -> Watch:
        if not ENTRY_ID.fullmatch(last_event_id):
            raise Problem(400, "The request is not valid", ["header Last-Event-ID: no id of an event"])
        goals.load(run_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Watch(places, tenant, events.of(run_id, last_event_id, asker), headers=headers)

    @routes.post(
        "/{run_id}/confirm",
        status_code=202,
        summary="Confirm the plan with which an unsure goal goes on",
        responses=refusals(*BODY, 404, 409, 429, 503) | accepted("The goal goes on with the plan.", warns=True),
        dependencies=[place, Depends(confirmed_ended)],
    )
    def confirm(wait: Wait, run: Run = confirmed_run) -> GoalBody:
        return view(goals.load(run.id) if wait else run)

    @routes.post("/{run_id}/cancel", summary=CANCEL, responses=refusals(404, 503))
    @routes.delete("/{run_id}", summary=CANCEL, responses=refusals(404, 503))
    def cancel(run_id: GoalId) -> GoalBody:
        return view(goals.cancel(run_id))

    @routes.post(
        "/{run_id}/rerun",
        status_code=202,
        summary="Take an ended goal up again, from a step on or where it failed",
        responses=refusals(*BODY, 404, 409, 429, 503) | accepted("The goal runs again."),
    )
    def rerun(run_id: GoalId, response: Response, asked: FromStep = None) -> GoalBody:
        run = goals.rerun(run_id, asked.step if asked else None)
        response.headers["Location"] = goal_path(run.id)
        return view(run)

    return routes
