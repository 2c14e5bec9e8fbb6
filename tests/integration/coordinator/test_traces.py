"""One goal is one trace: API, coordinator and worker send their spans to a collector on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import redis
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.coordinator import Coordinator
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import free_port
from infra.queue.memory import MemoryQueue
from infra.records import Json
from infra.settings import Settings
from infra.tracing import traced
from specialists.catalog import Catalog
from tests.support.answers import planned
from workers.engines import Engine, EngineError, Request
from workers.engines.function import FunctionEngine
from workers.engines.scripted import ScriptedEngine
from workers.worker import Worker

GOAL = "Count what zanzibar said"
ROWS = [{"word": "abracadabra"}, {"word": "abracadabra"}]
DRAFT = {
    "steps": [
        {"id": "s1", "type": "count", "args": {"items": {"$ref": "inputs.rows"}, "field": "word"}},
        {"id": "s2", "type": "triage", "args": {"text": "zanzibar"}},
    ]
}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Collector:
    url: str
    received: list[ExportTraceServiceRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def services(self) -> set[str]:
        return {
            attribute.value.string_value
            for request in self.received
            for resource in request.resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Takes what OTLP exporters send over HTTP."""
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.bodies.append(body)
            collector.received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


class TracedHouse:
    """An API, a coordinator and a worker, each with a tracer of its own, as in processes of their own."""

    def __init__(self, ledger: RedisLedger, catalog: Catalog, url: str, answer: Any) -> None:
        self._settings = Settings(_env_file=None, otlp_endpoint=url)
        self._ledger = ledger
        self._catalog = catalog
        self._answer = answer

    def reach(self, body: Json, headers: dict[str, str]) -> Json:
        """What came of one goal; all spans have been sent."""
        catalog, settings, queue, stop = self._catalog, self._settings, MemoryQueue(), threading.Event()
        hired = [catalog.get(name) for name in ("count", "planner", "triage")]
        models = ScriptedEngine({"planner": self._answer, "triage": '{"intent":"card_arrival"}'})
        functions = FunctionEngine.create(hired[:1], settings)
        with ExitStack() as stack:
            stack.callback(models.close)
            stack.callback(functions.close)
            api, coordinator, worker = (
                stack.enter_context(traced(settings, process)) for process in ("api", "coordinator", "worker")
            )
            engines: dict[str, Engine] = {"planner": models, "triage": models, "count": functions}
            serving = stack.enter_context(Worker(self._ledger, hired, engines, "worker-1@here", 5.0, 4, tracer=worker))
            deciding = Coordinator(self._ledger, queue, catalog, settings, "c1", tracer=coordinator)
            threads = [
                threading.Thread(target=deciding.serve, args=[stop]),
                threading.Thread(target=queue.serve, args=[serving.handlers(), 4, "worker-1"]),
            ]
            for thread in threads:
                thread.start()
            with TestClient(create_api(self._ledger, catalog, settings, tracer=api)) as client:
                answer: Json = client.post("/v1/goals?wait=30", json=body, headers=headers).json()
            stop.set()
            queue.stop()
            for thread in threads:
                thread.join()
        return answer


@pytest.fixture
def reach(redis_client: redis.Redis, catalog: Catalog, collector: Collector) -> Callable[..., Json]:
    def reach(answer: Any = None, headers: dict[str, str] | None = None) -> Json:
        draft = catalog.get("planner").format.write(planned(*DRAFT["steps"]))
        house = TracedHouse(RedisLedger(redis_client, "test"), catalog, collector.url, answer or draft)
        return house.reach({"goal": GOAL, "inputs": {"rows": ROWS}}, headers or {})

    return reach


def paths(spans: list[Span]) -> set[str]:
    """Each span as the names from the root to it."""
    by_id = {span.span_id: span for span in spans}

    def path(span: Span) -> str:
        above = by_id.get(span.parent_span_id)
        return f"{path(above)} > {span.name}" if above else span.name

    return {path(span) for span in spans}


def attributes(spans: list[Span], name: str) -> dict[str, Any]:
    (span,) = [span for span in spans if span.name == name]
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_goal_is_one_trace_from_submit_to_engine(reach: Callable[..., Json], collector: Collector) -> None:
    assert reach()["state"] == "succeeded"
    spans = collector.spans()
    root = "POST /v1/goals"
    assert {span.trace_id for span in spans} == {spans[0].trace_id}
    assert paths(spans) >= {
        root,
        f"{root} > send planner",
        f"{root} > process planner > execute_tool planner",
        f"{root} > advance > process triage > text_completion all-minilm-l6-v2",
        f"{root} > advance > send count",
        f"{root} > advance > process count > execute_tool count",
    }
    assert [span.name for span in spans if not span.parent_span_id] == [root]
    assert collector.services() == {"manyhands-api", "manyhands-coordinator", "manyhands-worker"}


def test_spans_say_what_the_conventions_ask(reach: Callable[..., Json], collector: Collector) -> None:
    goal = reach()
    spans = collector.spans()
    kinds = {span.name: span.kind for span in spans}
    assert kinds["POST /v1/goals"] == Span.SPAN_KIND_SERVER
    assert kinds["send count"] == Span.SPAN_KIND_PRODUCER
    assert kinds["process count"] == Span.SPAN_KIND_CONSUMER
    assert attributes(spans, "POST /v1/goals")["http.response.status_code"] == 202
    process = attributes(spans, "process count")
    assert process["messaging.system"] == "celery"
    assert process["messaging.destination.name"] == "count"
    assert process["messaging.message.id"] == f"{goal['id']}.s1.0"
    assert (process["manyhands.attempt"], process["manyhands.state"]) == (1, "succeeded")
    assert process["manyhands.wait_s"] >= 0
    completion = attributes(spans, "text_completion all-minilm-l6-v2")
    assert completion["gen_ai.request.model"] == "all-minilm-l6-v2"
    assert {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"} <= completion.keys()


def test_no_word_of_a_goal_is_in_its_spans(reach: Callable[..., Json], collector: Collector) -> None:
    reach()
    assert collector.bodies
    for body in collector.bodies:
        assert not [word for word in (b"zanzibar", b"abracadabra", b"inputs.rows") if word in body]


def test_a_failure_is_told_by_its_kind_and_not_in_its_words(reach: Callable[..., Json], collector: Collector) -> None:
    def fail(request: Request) -> str:
        raise EngineError("zanzibar broke it", retryable=False)

    assert reach(fail)["state"] == "failed"
    spans = collector.spans()
    assert attributes(spans, "process planner")["error.type"] == "engine"
    assert attributes(spans, "execute_tool planner")["error.type"] == "EngineError"
    failed = {span.name: span.status for span in spans if span.status.code == Status.STATUS_CODE_ERROR}
    assert set(failed) == {"process planner", "execute_tool planner"}
    assert not any(span.events for span in spans)
    assert b"zanzibar" not in b"".join(collector.bodies)


def test_a_callers_trace_goes_on(reach: Callable[..., Json], collector: Collector) -> None:
    reach(headers={"traceparent": PARENT})
    spans = collector.spans()
    assert {span.trace_id.hex() for span in spans} == {PARENT.split("-")[1]}
    (root,) = [span for span in spans if span.name == "POST /v1/goals"]
    assert root.parent_span_id.hex() == PARENT.split("-")[2]


def test_a_collector_that_is_away_costs_no_goal(
    redis_client: redis.Redis, catalog: Catalog, collector: Collector
) -> None:
    draft = catalog.get("planner").format.write(planned(*DRAFT["steps"]))
    house = TracedHouse(RedisLedger(redis_client, "test"), catalog, "http://127.0.0.1:1", draft)
    assert house.reach({"goal": GOAL, "inputs": {"rows": ROWS}}, {})["state"] == "succeeded"
    assert collector.received == []


def test_an_api_process_sends_its_last_spans_when_it_is_told_to_stop(
    redis_client: redis.Redis, redis_url: str, collector: Collector
) -> None:
    port = free_port()
    env = {"REDIS_URL": redis_url, "API_PORT": str(port), "OTLP_ENDPOINT": collector.url}
    named = {f"MANYHANDS_{name}": value for name, value in env.items()}
    named |= dict.fromkeys(("http_proxy", "all_proxy"), "http://127.0.0.1:9")  # not asked for what is on this machine
    command = [sys.executable, "-m", "coordinator.api.app"]
    process = subprocess.Popen(command, env=os.environ | named)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=10)) as client:
            assert client.post("/v1/goals", json={"goal": GOAL}, timeout=30).status_code == 202
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
    assert [span.name for span in collector.spans()] == ["POST /v1/goals"]
