"""Routes of single jobs: sent alone, looked at, cancelled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.document.examples import JOBS
from coordinator.api.document.job import JobBody
from coordinator.api.document.parameters import JobId
from coordinator.api.document.responses import BODY, accepted, refusals, replayed
from coordinator.api.first_answer import remembered, replay
from coordinator.api.headers import Asker, Key, Tenant, Wait, asking
from coordinator.api.waiting.places import Places, place_of
from coordinator.api.waiting.waits import Waits
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.new_runs import JOB_STEP
from coordinator.goals.request import JobRequest
from infra.records import Job

CANCEL = "Cancel a job; its goal goes on or fails, as its plan says"


def job_routes(goals: Goals, places: Places, waits: Waits) -> APIRouter:
    routes = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

    def new(
        asked: Annotated[JobRequest, Body(openapi_examples=JOBS)],
        tenant: Tenant,
        key: Key,
        request: Request,
        response: Response,
    ) -> str:
        try:
            run = goals.accept_job(asked, asking(request, tenant, key, lambda: goals.meaning(asked)))
        except KeyUsed as used:
            replay(used, goals, _at(used.run_id), response)
            with remembered():
                return goals.job(_only_job(used.run_id)).job.job.id
        response.headers["Location"] = _at(run.id)
        return _only_job(run.id)

    new_job, place = Depends(new), Depends(place_of(places), scope="function")

    async def ended(job_id: JobId, wait: Wait, asker: Asker) -> None:
        await waits.job(job_id, wait, asker)

    async def new_ended(wait: Wait, asker: Asker, job_id: str = new_job) -> None:
        await waits.job(job_id, wait, asker)

    @routes.post(
        "",
        status_code=202,
        summary="Accept one job of a job type",
        responses=refusals(*BODY, 410, 429, 503)
        | accepted("The job is accepted. It has its outcome if it ended within the wait.", warns=True)
        | replayed(JobBody),
        dependencies=[place, Depends(new_ended)],
    )
    def accept(job_id: str = new_job) -> JobBody:
        return views.job_view(goals.job(job_id))

    @routes.get(
        "/{job_id}",
        summary="Show a job with its state and its outcome",
        responses=refusals(400, 404, 503),
        dependencies=[place, Depends(ended)],
    )
    def status(job_id: JobId) -> JobBody:
        return views.job_view(goals.job(job_id))

    @routes.post("/{job_id}/cancel", summary=CANCEL, responses=refusals(404, 503))
    @routes.delete("/{job_id}", summary=CANCEL, responses=refusals(404, 503))
    def cancel(job_id: JobId) -> JobBody:
        return views.job_view(goals.cancel_job(job_id))

    return routes


def _only_job(run_id: str) -> str:
    return Job.name(run_id, JOB_STEP, 0)


def _at(run_id: str) -> str:
    return f"/v1/jobs/{_only_job(run_id)}"
