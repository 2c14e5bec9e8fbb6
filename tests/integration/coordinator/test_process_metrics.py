"""Figures that running parts show: a coordinator and an API after some goals, a worker process after a death."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.api.metrics import ApiMetrics
from coordinator.coordinator import Coordinator
from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from coordinator.ledger_metrics import LedgerCollector
from coordinator.local.house import House, Ports
from coordinator.runs.metrics import CoordinatorMetrics
from infra.ledger.redis.client import client_of
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import free_port
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.queue.memory import MemoryQueue
from infra.records import Job, JobState, RunRecord
from infra.settings import Settings
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.jobs import await_ends, await_state
from tests.support.nap import nap_in
from tests.support.sweeper import sweeping

WAIT_S = 60
PLAN = {
    "steps": [
        {"id": "s1", "type": "count", "args": {"items": {"$ref": "inputs.rows"}, "field": "word"}},
        {"id": "s2", "type": "count", "args": {"items": {"$ref": "s1.counts"}, "field": "value"}},
    ]
}
ROWS = [{"word": "a"}, {"word": "b"}]


def figure(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"manyhands_{name}", labels)


# -- coordinator --


def test_a_coordinator_counts_what_three_goals_made_it_do(
    deploy: Callable[..., Deployment], redis_client: redis.Redis
) -> None:
    deployment, registry = deploy(RedisLedger(redis_client, "test"), 0), CollectorRegistry()
    metrics = CoordinatorMetrics(registry, ["count"])
    registry.register(LedgerCollector(deployment.ledger))
    coordinator = Coordinator(
        deployment.ledger, deployment.queue, deployment.catalog, deployment.settings, "counting", metrics
    )
    goals = Goals(deployment.ledger, deployment.catalog, deployment.settings)
    runs = [goals.accept(Goal(plan=PLAN, inputs={"rows": ROWS})) for _ in range(3)]
    assert figure(registry, "jobs", job_type="count", state="ready") == 3
    deployment.start()
    while not all(goals.load(run.id).state.ended for run in runs):
        coordinator.dispatch_once(wait_ms=20)
        coordinator.advance_once(wait_ms=20)

    assert figure(registry, "jobs_sent_total", job_type="count") == 6
    assert figure(registry, "jobs_resent_total", job_type="count") == 0
    assert figure(registry, "outcomes_total", job_type="count", state="succeeded") == 6
    assert figure(registry, "advance_batch_outcomes_sum") == 6
    assert figure(registry, "run_seconds_count", state="succeeded") == 3
    assert figure(registry, "outcomes_unacknowledged") == 0
    assert figure(registry, "oldest_waiting_seconds", job_type="count") == 0


def test_a_job_that_nobody_claims_is_counted_as_sent_again(
    deploy: Callable[..., Deployment], redis_client: redis.Redis
) -> None:
    deployment, registry = deploy(RedisLedger(redis_client, "test"), 0), CollectorRegistry()
    settings = deployment.settings.model_copy(update={"silent_s": 0.01})
    metrics = CoordinatorMetrics(registry, ["count"])
    coordinator = Coordinator(deployment.ledger, MemoryQueue(), deployment.catalog, settings, "counting", metrics)
    Goals(deployment.ledger, deployment.catalog, settings).accept(Goal(plan=PLAN, inputs={"rows": ROWS}))
    coordinator.dispatch_once(wait_ms=0)
    eventually(coordinator.sweep_once)
    assert figure(registry, "jobs_resent_total", job_type="count") == 1
    assert figure(registry, "jobs_sent_total", job_type="count") == 2


def test_a_redis_that_is_gone_is_a_figure(redis_client: redis.Redis) -> None:
    registry = CollectorRegistry()
    with client_of("redis://127.0.0.1:1/0") as gone:
        registry.register(LedgerCollector(RedisLedger(gone, "test")))
        assert figure(registry, "ledger_up") == 0
    registry = CollectorRegistry()
    registry.register(LedgerCollector(RedisLedger(redis_client, "test")))
    assert figure(registry, "ledger_up") == 1


# -- API --


@pytest.fixture
def observed(deployment: Deployment) -> Iterator[tuple[TestClient, CollectorRegistry]]:
    registry = CollectorRegistry()
    app = create_api(deployment.ledger, deployment.catalog, deployment.settings, ApiMetrics(registry))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, registry


def test_a_request_is_counted_by_its_routes_template(observed: tuple[TestClient, CollectorRegistry]) -> None:
    client, registry = observed
    goal = client.post("/v1/goals", json={"plan": PLAN, "inputs": {"rows": ROWS}}).json()
    client.get(f"/v1/goals/{goal['id']}")
    client.get("/v1/goals/nonesuch")
    client.get("/nowhere")
    client.request("BREW", "/v1/goals")

    assert figure(registry, "api_requests_total", route="/v1/goals", method="POST", status="202") == 1
    assert figure(registry, "api_requests_total", route="/v1/goals/{run_id}", method="GET", status="200") == 1
    assert figure(registry, "api_requests_total", route="/v1/goals/{run_id}", method="GET", status="404") == 1
    assert figure(registry, "api_requests_total", route="unmatched", method="GET", status="404") == 1
    assert figure(registry, "api_request_seconds_count", route="/v1/goals", method="POST") == 1
    shown = {label for family in registry.collect() for each in family.samples for label in each.labels.values()}
    assert not [label for label in shown if goal["id"] in label or label in {"BREW", "nonesuch", "/nowhere"}]


def test_what_is_taken_in_and_what_is_refused_is_counted(observed: tuple[TestClient, CollectorRegistry]) -> None:
    client, registry = observed
    client.post("/v1/jobs", json={"type": "count", "input": {"items": ROWS, "field": "word"}})
    client.post("/v1/jobs", json={"type": "nonesuch", "input": {}})
    client.post("/v1/goals", content=b"{", headers={"content-type": "application/json"})
    client.post("/v1/goals", json={"goal": "x" * 400_000})

    assert figure(registry, "admissions_total", kind="job", answer="accepted") == 1
    assert figure(registry, "admissions_total", kind="job", answer="invalid") == 1
    assert figure(registry, "admissions_total", kind="goal", answer="invalid") == 1
    assert figure(registry, "admissions_total", kind="goal", answer="too_large") == 1


def test_a_cancelled_goal_is_a_run_that_ended_here(observed: tuple[TestClient, CollectorRegistry]) -> None:
    client, registry = observed
    goal = client.post("/v1/goals", json={"plan": PLAN, "inputs": {"rows": ROWS}}).json()
    client.post(f"/v1/goals/{goal['id']}/cancel")
    assert figure(registry, "run_seconds_count", state="cancelled") == 1


# -- worker --


class Port:
    """A process's metrics."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/metrics"

    def figure(self, name: str, **labels: str) -> float | None:
        text = httpx.get(self.url, timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == f"manyhands_{name}" and sample.labels == labels:
                    return sample.value
        return None


def test_a_worker_process_shows_the_attempt_that_a_killed_one_left_it(
    start_worker: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    settings, ports = Settings(redis_url=redis_url, visibility_timeout_s=5), [free_port(), free_port()]
    ledger, queue = RedisLedger(redis_client, settings.prefix), CeleryQueue(create_app(settings))
    options = {"specialists": json.dumps([str(nap_in(tmp_path))]), "lease_s": "3", "visibility_timeout_s": "5"}
    long, *short = [
        Job(id=f"r1.s1.{n}", type="nap", input={"seconds": 0 if n else 5}, run_id="r1", step_id="s1", index=n)
        for n in range(4)
    ]
    with sweeping(ledger, queue):
        ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [long], [])
        victim = start_worker("nap", metrics_port=str(ports[0]), **options)
        await_state(ledger, long.id, JobState.RUNNING)
        assert Port(ports[0]).figure("leases_held") == 1
        victim.kill()
        victim.wait()

        start_worker("nap", metrics_port=str(ports[1]), **options)
        await_ends(ledger, [long.id])
        ledger.release(short)
        await_ends(ledger, [job.id for job in short])
    heir = Port(ports[1])
    eventually(lambda: heir.figure("leases_held") == 0)
    assert heir.figure("claims_total", job_type="nap") == 4
    assert heir.figure("redeliveries_total", job_type="nap") == 1
    assert heir.figure("job_run_seconds_count", job_type="nap", state="succeeded") == 4
    assert (heir.figure("job_run_seconds_sum", job_type="nap", state="succeeded") or 0) >= 5
    assert heir.figure("leases_lost_total", job_type="nap") == 0
    assert heir.figure("engine_replicas", engine="function", serves="nap") == 1
    assert (heir.figure("process_resident_memory_bytes") or 0) > 10_000_000
    queue.close()


def test_a_worker_whose_metrics_port_is_taken_says_so_and_does_not_start(
    start_worker: Callable[..., subprocess.Popen[str]],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        worker = start_worker("count", metrics_port=port)
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 2
    assert f"MANYHANDS_METRICS_PORT: cannot listen on 127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_on_one_machine_each_process_has_a_metrics_port_of_its_own(tmp_path: Path) -> None:
    house = House(Settings(_env_file=None, metrics_port=9464), Ports.private(), tmp_path, lambda _: None, flower=False)
    ports = {child.name: child.environment["MANYHANDS_METRICS_PORT"] for child in house.children}
    assert ports == {"api": "9464", "coordinator": "9465", "worker": "9466"}
