"""The routes of saved plans: they save, list, show and delete the plans of one tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from coordinator.api.answers import views
from coordinator.api.asked.bodies import StrictRoute
from coordinator.api.asked.headers import Tenant
from coordinator.api.document.examples import PLANS
from coordinator.api.document.parameters import PlanName
from coordinator.api.document.plan import PlanDeletedBody, SavedPlanBody
from coordinator.api.document.responses import BODY, kept, refusals
from coordinator.goals.saved_plans import SavedPlans
from coordinator.plans.saved_plan import PlanRequest


def plan_routes(plans: SavedPlans) -> APIRouter:
    routes = APIRouter(prefix="/v1/plans", tags=["saved plans"], route_class=StrictRoute)

    @routes.get("", summary="List the saved plans of a tenant by name", responses=refusals(400, 503))
    def saved(tenant: Tenant) -> list[SavedPlanBody]:
        return [views.saved_plan_view(name, plan) for name, plan in plans.all(tenant).items()]

    @routes.get("/{name}", summary="Show a saved plan with its inputs", responses=refusals(400, 404, 503))
    def one(name: PlanName, tenant: Tenant) -> SavedPlanBody:
        return views.saved_plan_view(name, plans.load(tenant, name))

    @routes.put(
        "/{name}",
        summary="Save a plan, or the plan of a goal, under a name",
        responses=refusals(*BODY, 503) | kept(SavedPlanBody),
    )
    def save(
        name: PlanName,
        asked: Annotated[PlanRequest, Body(openapi_examples=PLANS)],
        tenant: Tenant,
        response: Response,
    ) -> SavedPlanBody:
        plan, is_new = plans.save(tenant, name, asked)
        response.status_code = 201 if is_new else 200
        return views.saved_plan_view(name, plan)

    @routes.delete("/{name}", summary="Delete a saved plan", responses=refusals(400, 404, 503))
    def delete(name: PlanName, tenant: Tenant) -> PlanDeletedBody:
        plans.delete(tenant, name)
        return {"deleted": name}

    return routes
