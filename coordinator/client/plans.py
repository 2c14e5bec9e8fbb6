"""Saved plans, as the client keeps, lists, shows and deletes them."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.client.addresses import path
from coordinator.client.connection import Connection
from infra.records import Json


class PlanCalls(Connection):
    def plans(self) -> list[Json]:
        """The tenant's saved plans: each has `name`, `plan`, and `inputs`, the JSON Schemas of its holes."""
        found: list[Json] = self._ask("GET", "/v1/plans")
        return found

    def plan(self, name: str) -> Json:
        """A saved plan. Raises ApiError (404)."""
        return self._ask_one("GET", path("plans", name))

    def save_plan(
        self, name: str, plan: Json | None = None, inputs: Mapping[str, Json] | None = None, run: str | None = None
    ) -> Json:
        """Keep `plan`, or the plan of the goal with the id `run`, under a name. It replaces a plan of the same name.

        `inputs`: the JSON Schema of each input that the plan refers to, with a `default` if it may be left out. For the
        plan of a goal, a schema that is not given follows from the goal's input. Raises ApiError (422) with all faults.
        """
        asked = {"plan": plan, "run": run, "inputs": dict(inputs or {})}
        return self._ask_one("PUT", path("plans", name), asked)

    def delete_plan(self, name: str) -> None:
        """Raises ApiError (404)."""
        self._ask_one("DELETE", path("plans", name))
