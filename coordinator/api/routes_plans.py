"""Routes of saved plans: kept, listed, shown, deleted. Each is its tenant's."""

from __future__ import annotations

from fastapi import APIRouter, Response

from coordinator.api import views
from coordinator.api.bodies import StrictRoute
from coordinator.api.headers import Tenant
from coordinator.goals.saved_plans import SavedPlans
from coordinator.plans.saved_plan import PlanRequest
from infra.records import Json


def plan_routes(plans: SavedPlans) -> APIRouter:
    routes = APIRouter(prefix="/v1/plans", tags=["saved plans"], route_class=StrictRoute)

    @routes.get("", summary="List the tenant's saved plans by name")
    def saved(tenant: Tenant) -> list[Json]:
        return [views.saved_plan_view(name, plan) for name, plan in plans.all(tenant).items()]

    @routes.get("/{name}", summary="Show a saved plan with its inputs")
    def one(name: str, tenant: Tenant) -> Json:
        return views.saved_plan_view(name, plans.load(tenant, name))

    @routes.put("/{name}", summary="Save a plan, or the plan of a goal, under a name; 201 where the name is new")
    def save(name: str, asked: PlanRequest, tenant: Tenant, response: Response) -> Json:
        plan, is_new = plans.save(tenant, name, asked)
        response.status_code = 201 if is_new else 200
        return views.saved_plan_view(name, plan)

    @routes.delete("/{name}", summary="Delete a saved plan")
    def delete(name: str, tenant: Tenant) -> Json:
        plans.delete(tenant, name)
        return {"deleted": name}

    return routes
