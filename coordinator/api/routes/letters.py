"""The routes of dead letters: they list, show, rerun and purge them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from coordinator.api.answers import views
from coordinator.api.answers.notices import warning
from coordinator.api.answers.problems import Problem
from coordinator.api.asked.bodies import StrictRoute
from coordinator.api.asked.headers import ListedTenant
from coordinator.api.asked.pages import After, ListOrder, ListTags, Order, link, place_in
from coordinator.api.asked.paths import goal_path
from coordinator.api.document.goal import RerunGoalBody
from coordinator.api.document.job import LetterBody, PurgedBody, WholeLetterBody
from coordinator.api.document.parameters import (
    Everything,
    JobId,
    LetterCause,
    LetterCount,
    LetterFrom,
    LetterTo,
    LetterType,
)
from coordinator.api.document.responses import accepted, page, refusals
from coordinator.goals.goals import Goals
from coordinator.goals.letters import Letters
from infra.listing import LetterPlace, LetterQuery

OLD_PATH = "/replay is called /rerun now; the old path is still served"


def letter_routes(letters: Letters, goals: Goals) -> APIRouter:
    routes = APIRouter(tags=["dead letters"], route_class=StrictRoute)

    @routes.get("", summary="List dead letters, the newest first, page by page", responses=refusals(404, 503) | page())
    def listed(
        tenant: ListedTenant,
        request: Request,
        response: Response,
        job_type: LetterType = None,
        cause: LetterCause = None,
        tags: ListTags = [],  # noqa: B006 - FastAPI copies it
        ended_from_ms: LetterFrom = None,
        ended_to_ms: LetterTo = None,
        order: ListOrder = Order.NEWEST_FIRST,
        limit: LetterCount = 100,
        after: After = None,
    ) -> list[LetterBody]:
        place = place_in(after, (int, str))
        query = LetterQuery(
            type=job_type, cause=cause, tenant=tenant, tags=tuple(tags), since_ms=ended_from_ms, until_ms=ended_to_ms,
            after=LetterPlace(*place) if place else None, oldest_first=order is Order.OLDEST_FIRST, limit=limit,
        )  # fmt: skip
        found, behind = letters.page(query)
        link(request, response, behind)
        return [views.letter_view(letter) for letter in found]

    @routes.get("/{job_id}", summary="Show a dead letter with its input", responses=refusals(404, 503))
    def letter(job_id: JobId) -> WholeLetterBody:
        return views.letter_whole_view(*letters.load(job_id))

    @routes.post(
        "/{job_id}/rerun",
        status_code=202,
        summary="Take the goal of a dead letter up again where outputs are missing",
        responses=refusals(404, 409, 429, 503) | accepted("The goal goes on."),
    )
    def rerun(job_id: JobId, response: Response) -> RerunGoalBody:
        run, also = letters.rerun(job_id)
        response.headers["Location"] = goal_path(run.id)
        return {**views.goal_view(run, goals.paused()), "also": also}

    @routes.post("/{job_id}/replay", status_code=202, include_in_schema=False)
    def replay(job_id: JobId, response: Response) -> RerunGoalBody:
        """Serve the old path of `rerun`, with a notice."""
        response.headers["Warning"] = warning([OLD_PATH])
        return rerun(job_id, response)

    @routes.delete("/{job_id}", summary="Delete a dead letter", responses=refusals(404, 503))
    def purge(job_id: JobId) -> PurgedBody:
        letters.purge(job_id)
        return {"purged": 1}

    @routes.delete("", summary="Delete the dead letters of a type and a cause, or all", responses=refusals(404, 503))
    def purge_all(job_type: LetterType = None, cause: LetterCause = None, everything: Everything = False) -> PurgedBody:
        if everything == (job_type is not None or cause is not None):
            raise Problem(422, "The request is not valid", ["query: say which: type and cause, or all=true"])
        return {"purged": letters.purge_all(job_type, cause)}

    return routes
