"""The Python client. Knows HTTP and nothing inside.

client = Client("http://127.0.0.1:8765")
goal = client.run("Sort these messages by what the customer wants", {"messages": ["I lost my card"]})
print(goal["result"])
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from infra.records import Json

#: The server waits no longer than this in one request.
STEP_S = 30.0
RECONNECT_S = 0.5
RECONNECTS = 20


class ApiError(Exception):
    """The server refused; `errors` names all faults."""

    def __init__(self, status: int, title: str, errors: list[str]) -> None:
        super().__init__(f"{title}: {'; '.join(errors)}" if errors else title)
        self.status = status
        self.title = title
        self.errors = errors


class ApiUnreachable(Exception):
    """Nothing answers at the address."""


@dataclass(frozen=True)
class Seen:
    """One event of a run."""

    id: str
    name: str
    data: Json


class Client:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(10.0, read=STEP_S + 30.0))

    def run(self, goal: str | Json, inputs: Mapping[str, Any] | None = None, wait_s: float = 600.0) -> Json:
        """Submit words or a plan and wait for the end: the goal as it is then, or after `wait_s`."""
        return self.wait(self.submit(goal, inputs)["id"], wait_s)

    def submit(self, goal: str | Json, inputs: Mapping[str, Any] | None = None, limits: Json | None = None) -> Json:
        """The goal as accepted. Raises ApiError with all faults."""
        asked = {"goal": goal} if isinstance(goal, str) else {"plan": goal}
        return self._ask_one("POST", "/v1/goals", {**asked, "inputs": dict(inputs or {}), "limits": limits or {}})

    def wait(self, goal_id: str, wait_s: float) -> Json:
        """The goal when it has ended, or as it is after `wait_s`."""
        ends = time.monotonic() + wait_s
        while True:
            left_s = max(0.0, ends - time.monotonic())
            goal = self.get(goal_id, min(left_s, STEP_S))
            if goal["state"] != "running" or left_s <= STEP_S:
                return goal

    def get(self, goal_id: str, wait_s: float = 0.0) -> Json:
        return self._ask_one("GET", f"/v1/goals/{goal_id}?wait={wait_s}")

    def recent(self) -> list[Json]:
        goals: list[Json] = self._ask("GET", "/v1/goals")
        return goals

    def cancel(self, goal_id: str) -> Json:
        return self._ask_one("POST", f"/v1/goals/{goal_id}/cancel")

    def job(self, job_type: str, job_input: Json, wait_s: float = STEP_S) -> Json:
        """One typed job, and how it is after `wait_s`."""
        return self._ask_one("POST", f"/v1/jobs?wait={wait_s}", {"type": job_type, "input": job_input})

    def job_types(self) -> list[Json]:
        found: list[Json] = self._ask("GET", "/v1/job-types")
        return found

    def workers(self) -> Json:
        return self._ask_one("GET", "/v1/workers")

    def events(self, goal_id: str, after: str = "0") -> Iterator[Seen]:
        """The goal's events to its end; resumes where a cut connection left off."""
        cuts = 0
        while True:
            try:
                for event in self._events_once(goal_id, after):
                    yield event
                    after, cuts = event.id, 0
                    if event.name == "run.ended":
                        return
                if self.get(goal_id)["state"] != "running":
                    return
            except (httpx.TransportError, ApiUnreachable) as error:
                cuts += 1
                if cuts > RECONNECTS:
                    raise ApiUnreachable(f"{self._http.base_url} was cut off: {error}") from error
                time.sleep(RECONNECT_S)

    def _events_once(self, goal_id: str, after: str) -> Iterator[Seen]:
        headers = {"Last-Event-ID": after, "Accept": "text/event-stream"}
        with self._http.stream("GET", f"/v1/goals/{goal_id}/events", headers=headers) as response:
            if response.is_error:
                response.read()
                raise _error(response)
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields:
                    yield Seen(fields["id"], fields["event"], json.loads(fields["data"]))
                    fields = {}

    def _ask_one(self, method: str, path: str, body: Json | None = None) -> Json:
        one: Json = self._ask(method, path, body)
        return one

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        try:
            response = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise ApiUnreachable(f"nothing answers at {self._http.base_url}: {error}") from error
        if response.is_error:
            raise _error(response)
        return response.json()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _error(response: httpx.Response) -> ApiError:
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return ApiError(response.status_code, f"HTTP {response.status_code}", [response.text[:200]])
    problem = response.json()
    return ApiError(response.status_code, problem["title"], problem.get("errors", []))
