"""Goals, as the client sends, awaits, watches and steers them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from httpx_sse import connect_sse

from coordinator.client.addresses import path
from coordinator.client.connection import Connection
from coordinator.client.errors import ApiError, ApiUnreachable, error_of, unanswered
from coordinator.client.old_names import warn_of
from coordinator.client.waits import Outage, waited
from infra.field_names import current_names, old_names
from infra.records import Json, RunState


@dataclass(frozen=True)
class Seen:
    """One event of a run."""

    id: str
    name: str
    data: Json


@dataclass(frozen=True)
class Saved:
    """The name of a saved plan, which is sent in the place of a goal's words."""

    name: str


class GoalCalls(Connection):
    def run(
        self,
        goal: str | Json | Saved,
        inputs: Mapping[str, Any] | None = None,
        wait_s: float = 600.0,
        *,
        confirm: str = "if_unsure",
        tags: Sequence[str] = (),
    ) -> Json:
        """Submit a goal and wait, `wait_s` at most, until it has ended or is unsure. Returns the goal as it is then."""
        return self.wait(self.submit(goal, inputs, confirm=confirm, tags=tags)["id"], wait_s)

    def submit(
        self,
        goal: str | Json | Saved,
        inputs: Mapping[str, Any] | None = None,
        limits: Json | None = None,
        *,
        priority: str = "normal",
        confirm: str = "if_unsure",
        tags: Sequence[str] = (),
        key: str | None = None,
    ) -> Json:
        """Send a goal. Returns it as accepted, or as it is now if `key` was used for it before.

        Raises ApiError with all faults. `goal`: words, a plan, or the name of a saved plan, whose holes `inputs` fill.
        `confirm`: when a goal in words waits for `Client.confirm`: "if_unsure", "always" or "never".
        `tags`: words of your own by which lists are filtered.
        """
        warn_of(old_names(limits))
        limits = current_names(limits or {})
        rest = {"inputs": dict(inputs or {}), "limits": limits, "priority": priority, "confirm": confirm}
        rest |= {"tags": list(tags)} if tags else {}
        return self._send("/v1/goals", _asked(goal) | rest, key)

    def wait(self, goal_id: str, wait_s: float) -> Json:
        """Wait, `wait_s` at most, until the goal has ended or is unsure. Returns the goal as it is then."""
        return waited(partial(self.get, goal_id), lambda goal: goal["state"] != RunState.RUNNING, wait_s)

    def confirm(self, goal_id: str, choice: int | None = None, plan: Json | None = None) -> Json:
        """Let an unsure goal go on, with its plan number `choice` or with `plan`; by default with its first plan."""
        asked: Json = {"plan": plan} if plan is not None else {"choice": 1}
        if choice is not None:
            asked["choice"] = choice
        return self._ask_one("POST", path("goals", goal_id, "/confirm"), asked)

    def get(self, goal_id: str, wait_s: float = 0.0) -> Json:
        return self._ask_one("GET", f"{path('goals', goal_id)}?wait={wait_s}")

    def recent(self) -> list[Json]:
        goals: list[Json] = self._ask("GET", "/v1/goals")
        return goals

    def cancel(self, goal_id: str) -> Json:
        return self._ask_one("POST", path("goals", goal_id, "/cancel"))

    def rerun(self, goal_id: str, step: str | None = None) -> Json:
        """Take up an ended goal again from `step` on; by default where outputs are missing."""
        return self._ask_one("POST", path("goals", goal_id, "/rerun"), {"step": step})

    def events(self, goal_id: str, after: str = "0") -> Iterator[Seen]:
        """The goal's events until it has ended. After a cut connection they go on where they broke off."""
        outage = Outage()
        while True:
            try:
                for event in self._events_once(goal_id, after):
                    yield event
                    after = event.id
                    outage.ended()
                if RunState(self.get(goal_id)["state"]).ended:
                    return
                outage.ended()
            except httpx.TransportError as error:
                outage.sit_out(unanswered(error, f"{self._link.address} was cut off"))
            except (ApiError, ApiUnreachable) as error:
                outage.sit_out(error)

    def _events_once(self, goal_id: str, after: str) -> Iterator[Seen]:
        address, headers = path("goals", goal_id, "/events"), {"Last-Event-ID": after}
        with connect_sse(self._http, "GET", address, headers=headers) as source:
            if not source.response.is_success:
                source.response.read()
                raise error_of(source.response, self._link.where)
            for event in source.iter_sse():
                if event.retry is not None:
                    raise ApiUnreachable("the events broke off: the ledger does not answer")
                if event.data:  # a comment, which only says that the goal still runs, has no data
                    yield Seen(event.id, event.event, event.json())


def _asked(goal: str | Json | Saved) -> Json:
    if isinstance(goal, Saved):
        return {"saved": goal.name}
    return {"goal": goal} if isinstance(goal, str) else {"plan": goal}
