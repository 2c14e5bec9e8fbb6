"""The routes of dead letters: they list, show, rerun and purge them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.document.goal import RerunGoalBody
from coordinator.api.document.job import LetterBody, PurgedBody, WholeLetterBody
from coordinator.api.document.parameters import Everything, JobId, LetterCause, LetterCount, LetterType
from coordinator.api.document.responses import accepted, refusals
from coordinator.api.notices import warning
from coordinator.api.paths import goal_path
from coordinator.api.problems import Problem
from coordinator.goals.goals import Goals
from coordinator.goals.letters import Letters

OLD_PATH = "/replay is called /rerun now; the old path is still served"


def letter_routes(letters: Letters, goals: Goals) -> APIRouter:
    routes = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], route_class=StrictRoute)

    @routes.get("", summary="List dead letters, the newest first", responses=refusals(404, 503))
    def newest(job_type: LetterType = None, cause: LetterCause = None, limit: LetterCount = 100) -> list[LetterBody]:
        return [views.letter_view(letter) for letter in letters.newest(job_type, cause, limit)]

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
