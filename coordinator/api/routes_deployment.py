"""Routes of the deployment: job types, how much waits for them, who answers, who is alive."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import APIRouter

from coordinator.admission.door import Door
from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.headers import Tenant
from coordinator.api.problems import Problem
from infra.ledger.protocols.connection import LedgerPulse
from infra.ledger.protocols.job_types import JobCounts, TypeSwitch
from infra.ledger.protocols.workers import WorkerRoster
from infra.records import Json, Priority, Record, TypeState
from specialists.catalog import Catalog, UnknownJobType
from specialists.specialist import Specialist


class DeploymentLedger(TypeSwitch, JobCounts, WorkerRoster, LedgerPulse, Protocol):
    """Job types, what waits of each, and who is alive."""


class StateRequest(Record):
    """Whether jobs of a type are taken in, and done."""

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

    @routes.get("/v1/job-types", summary="List the job types that may be asked for")
    def job_types() -> list[Json]:
        states = ledger.type_states()
        return [views.job_type_view(each, states.get(each.name, TypeState.OPEN)) for each in catalog]

    @routes.get("/v1/job-types/{name}", summary="Show a job type with its schemas and its state")
    def job_type(name: str) -> Json:
        return view(known(name))

    @routes.get(
        "/v1/job-types/{name}/load", summary="Show how much of a job type waits, and how long one more job would wait"
    )
    def load(name: str, tenant: Tenant, priority: Priority = Priority.NORMAL) -> Json:
        line = door.lines([known(name).name])[name]
        return views.load_view(line, tenant, priority)

    @routes.put("/v1/job-types/{name}/state", summary="Open, pause or drain a job type")
    def set_state(name: str, asked: StateRequest) -> Json:
        specialist = known(name)
        ledger.set_type_state(name, asked.state)
        return view(specialist)

    @routes.get("/v1/specialists", summary="List the specialists with their digests")
    def specialists() -> list[Json]:
        return [views.specialist_view(specialist) for specialist in catalog]

    @routes.get("/v1/workers", summary="List the live workers, and what waits for them")
    def workers() -> Json:
        return {"workers": ledger.workers(), "depths": ledger.depths()}

    @routes.get("/livez", summary="Say whether this process answers")
    async def livez() -> dict[str, Any]:  # not in a thread: it answers when all of them are held
        return {"status": "ok"}

    @routes.get("/readyz", summary="Say whether the ledger answers too")
    def readyz() -> dict[str, Any]:
        ledger.ping()
        return {"status": "ok"}

    return routes
