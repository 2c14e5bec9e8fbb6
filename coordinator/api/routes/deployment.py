"""The routes of the deployment: job types, their waiting jobs, specialists, live workers and health."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import APIRouter, Body

from coordinator.admission.door import Door
from coordinator.api.answers import views
from coordinator.api.answers.problems import Problem
from coordinator.api.asked.bodies import StrictRoute
from coordinator.api.asked.headers import Tenant
from coordinator.api.document.deployment import HealthBody, JobTypeBody, LoadBody, SpecialistBody, WorkersBody
from coordinator.api.document.examples import STATES
from coordinator.api.document.parameters import LoadPriority, TypeName
from coordinator.api.document.responses import BODY, refusals
from infra.ledger.protocols.connection import LedgerPulse
from infra.ledger.protocols.job_types import JobCounts, TypeSwitch
from infra.ledger.protocols.workers import WorkerRoster
from infra.records import Json, Priority, Record, TypeState
from specialists.catalog import Catalog, UnknownJobType
from specialists.specialist import Specialist


class DeploymentLedger(TypeSwitch, JobCounts, WorkerRoster, LedgerPulse, Protocol):
    """The parts of the ledger that tell of job types, waiting jobs and live workers."""


class StateRequest(Record):
    """The state of a job type, which says whether its jobs are accepted, and whether they are done."""

    state: TypeState


def deployment_routes(ledger: DeploymentLedger, catalog: Catalog, door: Door) -> APIRouter:
    routes = APIRouter(tags=["deployment"], route_class=StrictRoute)

    def known(name: str) -> Specialist:
        try:
            return catalog.get(name)
        except UnknownJobType as error:
            raise Problem(404, "Not found", [str(error)]) from None

    def view(specialist: Specialist) -> Json:
        return views.job_type_view(specialist, ledger.type_states().get(specialist.name, TypeState.OPEN))

    @routes.get("/v1/job-types", summary="List the job types", responses=refusals(503))
    def job_types() -> list[JobTypeBody]:
        states = ledger.type_states()
        return [views.job_type_view(each, states.get(each.name, TypeState.OPEN)) for each in catalog]

    @routes.get("/v1/job-types/{name}", summary="Show a job type", responses=refusals(404, 503))
    def job_type(name: TypeName) -> JobTypeBody:
        return view(known(name))

    @routes.get(
        "/v1/job-types/{name}/load",
        summary="Show how many jobs of a type wait, and how long another one would",
        responses=refusals(400, 404, 503),
    )
    def load(name: TypeName, tenant: Tenant, priority: LoadPriority = Priority.NORMAL) -> LoadBody:
        backlog = door.backlogs([known(name).name])[name]
        return views.load_view(backlog, tenant, priority)

    @routes.put(
        "/v1/job-types/{name}/state",
        summary="Open, pause or drain a job type",
        responses=refusals(*BODY, 404, 503),
    )
    def set_state(name: TypeName, asked: Annotated[StateRequest, Body(openapi_examples=STATES)]) -> JobTypeBody:
        specialist = known(name)
        ledger.set_type_state(name, asked.state)
        return view(specialist)

    @routes.get("/v1/specialists", summary="List the specialists with their digests", responses=refusals())
    def specialists() -> list[SpecialistBody]:
        return [views.specialist_view(specialist) for specialist in catalog]

    @routes.get("/v1/workers", summary="List the live workers and the jobs that wait for them", responses=refusals(503))
    def workers() -> WorkersBody:
        return {"workers": ledger.workers(), "depths": ledger.depths()}

    @routes.get("/livez", summary="Say whether this process answers", responses=refusals())
    async def livez() -> HealthBody:  # not in a thread: it answers when all of them are held
        return {"status": "ok"}

    @routes.get("/readyz", summary="Say whether the ledger answers too", responses=refusals(503))
    def readyz() -> HealthBody:
        ledger.ping()
        return {"status": "ok"}

    return routes
