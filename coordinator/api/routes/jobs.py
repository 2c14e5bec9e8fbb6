"""Routes of single jobs: sent alone, looked at, cancelled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from coordinator.api.answers import views
from coordinator.api.answers.batch_view import batch_view
from coordinator.api.answers.first_answer import other_request, remembered, replay
from coordinator.api.asked.bodies import StrictRoute
from coordinator.api.asked.headers import Asker, Key, Tenant, Wait, asking
from coordinator.api.asked.pages import After, ListAsked, link, place_in
from coordinator.api.document.batch import BatchBody, JobBatch
from coordinator.api.document.examples import BATCHES, JOBS
from coordinator.api.document.job import JobBody
from coordinator.api.document.parameters import JobId, JobInState
from coordinator.api.document.responses import BODY, accepted, page, refusals, replayed
from coordinator.api.waiting.places import Places, place_of
from coordinator.api.waiting.waits import Waits
from coordinator.goals.batches import Batches
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.lists import JobPlace, Lists
from coordinator.goals.new_runs import only_job
from coordinator.goals.request import JobRequest

CANCEL = "Cancel a job; its goal goes on or fails, as its plan says"


def job_routes(goals: Goals, lists: Lists, batches: Batches, places: Places, waits: Waits) -> APIRouter:
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
                return goals.job(only_job(used.run_id)).job.job.id
        response.headers["Location"] = _at(run.id)
        return only_job(run.id)

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
        "",
        summary="List jobs, those of the newest goals first, page by page",
        responses=refusals(404, 503) | page(),
    )
    def listed(
        asked: ListAsked, request: Request, response: Response, state: JobInState = None, after: After = None
    ) -> list[JobBody]:
        place = place_in(after, (int, int, int))
        jobs, behind = lists.jobs(asked, state, JobPlace(*place) if place else None)
        link(request, response, behind)
        return [views.job_view(job) for job in jobs]

    @routes.post(
        "/batch",
        summary="Accept many jobs, each by itself",
        responses=refusals(*BODY, 503),
    )
    def accept_all(
        asked: Annotated[JobBatch, Body(openapi_examples=BATCHES)], tenant: Tenant, key: Key, request: Request
    ) -> BatchBody:
        asking_all = asking(request, tenant, key, lambda: {"jobs": batches.meaning(asked.jobs)})
        try:
            return batch_view(batches.accept(asked.jobs, asking_all))
        except KeyUsed as used:
            raise other_request() from used

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


def _at(run_id: str) -> str:
    return f"/v1/jobs/{only_job(run_id)}"
