"""Routes of dead letters: looked at, replayed, purged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.paths import goal_path
from coordinator.api.problems import Problem
from coordinator.goals.goals import Goals
from coordinator.goals.letters import Letters
from infra.records import Cause, Json

Type = Annotated[
    str | None, Query(alias="type", min_length=1, max_length=64, description="Only letters of this job type.")
]
Everything = Annotated[bool, Query(alias="all", description="Delete every dead letter.")]


def letter_routes(letters: Letters, goals: Goals) -> APIRouter:
    routes = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], route_class=StrictRoute)

    @routes.get("", summary="List the newest dead letters first")
    def newest(
        job_type: Type = None,
        cause: Cause | None = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many letters are listed.")] = 100,
    ) -> list[Json]:
        return [views.letter_view(letter) for letter in letters.newest(job_type, cause, limit)]

    @routes.get("/{job_id}", summary="Show a dead letter with the job's input")
    def letter(job_id: str) -> Json:
        return views.letter_whole_view(*letters.load(job_id))

    @routes.post("/{job_id}/replay", status_code=202, summary="Run the job's goal again where outputs are missing")
    def replay(job_id: str, response: Response) -> Json:
        run, also = letters.replay(job_id)
        response.headers["Location"] = goal_path(run.id)
        return {**views.goal_view(run, goals.paused()), "also": also}

    @routes.delete("/{job_id}", summary="Delete a dead letter")
    def purge(job_id: str) -> Json:
        letters.purge(job_id)
        return {"purged": 1}

    @routes.delete("", summary="Delete the dead letters of a type or a cause, or all of them")
    def purge_all(job_type: Type = None, cause: Cause | None = None, everything: Everything = False) -> Json:
        if everything == (job_type is not None or cause is not None):
            raise Problem(422, "The request is not valid", ["query: say which: type and cause, or all=true"])
        return {"purged": letters.purge_all(job_type, cause)}

    return routes
