"""Saved plans: plans that a tenant keeps under names. Knows no plan: each is JSON here."""

from __future__ import annotations

from typing import Protocol

from infra.records import Json, Saving


class SavedPlanReader(Protocol):
    """One saved plan by its name. Goals that name a plan use it."""

    def saved_plan(self, tenant: str, name: str) -> Json | None:
        """The plan; None if the tenant has no plan of this name."""


class SavedPlanStore(SavedPlanReader, Protocol):
    """All saved plans of a tenant, for the routes that keep, list and delete them."""

    def save_plan(self, tenant: str, name: str, plan: Json, most: int) -> Saving:
        """Keep `plan` under a name until it is deleted. A tenant that has `most` plans can take no new name."""

    def saved_plans(self, tenant: str) -> dict[str, Json]:
        """Name -> plan, in the order of the names."""

    def delete_plan(self, tenant: str, name: str) -> bool:
        """Delete a plan; the answer says whether there was one."""
