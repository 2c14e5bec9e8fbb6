"""Routes of dead letters: looked at, replayed, purged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from coordinator import views
from coordinator.letters import Letters
from coordinator.routes_goals import at
from infra.records import Cause, Json

Type = Annotated[str | None, Query(alias="type", max_length=64)]


def letter_routes(letters: Letters) -> APIRouter:
    routes = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])

    @routes.get("", summary="The newest first")
    def newest(
        job_type: Type = None, cause: Cause | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[Json]:
        return [views.letter_view(letter) for letter in letters.newest(job_type, cause, limit)]

    @routes.get("/{job_id}", summary="One of them, with its input")
    def letter(job_id: str) -> Json:
        return views.letter_whole_view(*letters.load(job_id))

    @routes.post("/{job_id}/replay", status_code=202, summary="Do it again, with new attempts")
    def replay(job_id: str, response: Response) -> Json:
        run = letters.replay(job_id)
        response.headers["Location"] = at(run.id)
        return views.goal_view(run)

    @routes.delete("/{job_id}", summary="Forget it")
    def purge(job_id: str) -> Json:
        letters.purge(job_id)
        return {"purged": 1}

    @routes.delete("", summary="Forget all of them, or those of a type and a cause")
    def purge_all(job_type: Type = None, cause: Cause | None = None) -> Json:
        return {"purged": letters.purge_all(job_type, cause)}

    return routes
