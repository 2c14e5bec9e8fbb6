"""Routes of single jobs: sent alone, looked at, cancelled."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.first_answer import remembered, replay
from coordinator.api.headers import Key, Left, Tenant, Wait, asking
from coordinator.api.wait_limit import Places
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import KeyUsed
from coordinator.goals.new_runs import JOB_STEP
from coordinator.goals.request import JobRequest
from infra.records import Job, Json


def job_routes(goals: Goals, places: Places) -> APIRouter:
    routes = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

    @routes.post("", status_code=202, summary="Send one typed job")
    def accept(
        asked: JobRequest, wait: Wait, left: Left, tenant: Tenant, key: Key, request: Request, response: Response
    ) -> Json:
        with places.taken(wait > 0, tenant):
            try:
                run = goals.accept_job(asked, asking(request, tenant, key, lambda: goals.meaning(asked)))
            except KeyUsed as used:
                replay(used, goals, _at(used.run_id), response)
                with remembered():
                    return views.job_view(goals.job(_only_job(used.run_id)))
            response.headers["Location"] = _at(run.id)
            return views.job_view(goals.job(_only_job(run.id), wait, left))

    @routes.get("/{job_id}", summary="Show a job with its state and its outcome")
    def status(job_id: str, wait: Wait, left: Left, tenant: Tenant) -> Json:
        with places.taken(wait > 0, tenant):
            return views.job_view(goals.job(job_id, wait, left))

    @routes.post("/{job_id}/cancel", summary="End a job; its goal goes on or fails, as the goal's plan says")
    @routes.delete("/{job_id}", summary="End a job; its goal goes on or fails, as the goal's plan says")
    def cancel(job_id: str) -> Json:
        return views.job_view(goals.cancel_job(job_id))

    return routes


def _only_job(run_id: str) -> str:
    return Job.name(run_id, JOB_STEP, 0)


def _at(run_id: str) -> str:
    return f"/v1/jobs/{_only_job(run_id)}"
