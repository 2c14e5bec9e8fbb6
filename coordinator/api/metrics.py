"""The API's metrics: requests, goals and jobs that it accepts or refuses, and requests that wait. Knows no ledger."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from coordinator.admission.door import refusals_counter
from coordinator.runs.metrics import RunMetrics
from infra.metrics import Meter

REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNMATCHED = "unmatched"

#: What a request to these brings in.
KINDS = {"/v1/goals": "goal", "/v1/jobs": "job"}
ANSWERS = {
    200: "known",
    202: "accepted",
    400: "invalid",
    409: "known",
    413: "too_large",
    415: "invalid",
    422: "invalid",
    429: "unavailable",
    500: "fault",
    503: "unavailable",
}


class ApiMetrics:
    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Without a registry the metrics are not shown to anybody."""
        meter = Meter(registry)
        self.runs = RunMetrics(meter)
        self._requests = meter.counter("api_requests", "Requests that have a response.", "route", "method", "status")
        self._seconds = meter.histogram(
            "api_request_seconds",
            "The time until the response begins. A request that waits for a goal's end takes as long as that.",
            "route",
            "method",
            buckets=REQUEST_S,
        )
        self._admissions = meter.counter(
            "admissions",
            "Goals and jobs that were sent; `answer` says whether they were accepted, or why not.",
            "kind",
            "answer",
        )
        self.refusals = refusals_counter(meter)
        self.waiting = meter.gauge("api_waiting_requests", "Requests that wait for a goal, and watchers of one.")
        self.turned_away = meter.counter("api_turned_away", "Requests that were refused because too many wait already.")
        for kind in KINDS.values():
            for answer in ANSWERS.values():
                self._admissions.labels(kind, answer)

    def responded(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count a response. `route`: the route's template; None if no route matches."""
        route, method = route or UNMATCHED, method if method in METHODS else "other"
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route, method).observe(seconds)
        if method == "POST" and route in KINDS:
            self._admissions.labels(KINDS[route], ANSWERS.get(status, "invalid")).inc()
