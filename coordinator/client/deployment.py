"""The deployment, as the client asks about it: job types, their waiting jobs, and live workers."""

from __future__ import annotations

from coordinator.client.addresses import path
from coordinator.client.connection import Connection
from infra.records import Json


class DeploymentCalls(Connection):
    def job_types(self) -> list[Json]:
        found: list[Json] = self._ask("GET", "/v1/job-types")
        return found

    def load(self, job_type: str) -> Json:
        """The waiting jobs of a job type, and how long one more job would wait."""
        return self._ask_one("GET", path("job-types", job_type, "/load"))

    def set_state(self, job_type: str, state: str) -> Json:
        """`state`: "open", "paused" or "draining"."""
        return self._ask_one("PUT", path("job-types", job_type, "/state"), {"state": state})

    def workers(self) -> Json:
        return self._ask_one("GET", "/v1/workers")
