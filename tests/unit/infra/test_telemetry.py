"""Metrics without Redis: names, labels, the port, a ledger that is away; the board and the alerts; tracing, off."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from opentelemetry.trace import NoOpTracer
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from coordinator.api.metrics import ApiMetrics
from coordinator.ledger_metrics import LedgerCollector
from coordinator.runs.metrics import CoordinatorMetrics
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.metrics import _Handler, create_registry, served
from infra.records import Claim, Job, JobState, Json, Outcome, Refusal, Usage
from infra.settings import SettingError, Settings
from infra.tracing import context_of, traced, traceparent
from tests.support.clock import Clock
from workers.engines import EngineStats
from workers.engines.scripted import ScriptedEngine
from workers.metrics import WorkerMetrics

ROOT = Path(__file__).parents[3]
BOARD = json.loads((ROOT / "infra/deploy/grafana/boards/manyhands.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
RULES = yaml.safe_load((ROOT / "infra/deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
SCRAPES = yaml.safe_load((ROOT / "infra/deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
DOCS = (ROOT / "docs/metrics.md").read_text()
OURS = re.compile(r"\bmanyhands_[a-z_]+\b")
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"], "gauge": [""]}


class Engine(ScriptedEngine):
    def stats(self) -> EngineStats:
        return EngineStats("cpu", running=1, waiting=2, steps=10, step_s=0.5, rows=25, replicas=1, restarts=0)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine({"mood": "good"})
    yield engine
    engine.close()


@pytest.fixture
def families(engine: Engine) -> list[Metric]:
    """Of every process."""
    found: dict[str, Metric] = {}
    worker, coordinator, api = create_registry("worker"), create_registry("coordinator"), create_registry("api")
    WorkerMetrics(worker).watch({"mood": engine}, 4, lambda: 0)
    CoordinatorMetrics(coordinator, ["mood"])
    coordinator.register(LedgerCollector(MemoryLedger()))
    ApiMetrics(api)
    for registry in (worker, coordinator, api):
        found |= {family.name: family for family in registry.collect()}
    return list(found.values())


def names(families: list[Metric]) -> set[str]:
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


def figures(registry: CollectorRegistry) -> dict[str, float]:
    """`name{label=value}` -> value."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_every_metric_has_the_prefix_a_help_and_no_id_in_a_label(families: list[Metric]) -> None:
    for family in families:
        assert family.name.startswith("manyhands_")
        assert family.documentation.endswith(".")
        for sample in family.samples:
            assert not {"id", "job_id", "goal_id", "run_id", "worker", "path"} & sample.labels.keys()
    assert len(families) > 40


def test_every_metric_of_the_alerts_and_the_board_exists(families: list[Metric]) -> None:
    asked = {name for rule in RULES for name in OURS.findall(rule["expr"])}
    asked |= {name for panel in PANELS for target in panel["targets"] for name in OURS.findall(target["expr"])}
    assert asked <= names(families), asked - names(families)


def test_the_guide_lists_every_metric_and_no_other(families: list[Metric]) -> None:
    listed = set(OURS.findall(DOCS))
    shown = {family.name + SUFFIXES[family.type][0].replace("_bucket", "") for family in families}
    assert listed == shown


def test_every_panel_has_a_title_a_unit_and_a_place_of_its_own() -> None:
    assert all(panel["title"] and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert len(set(places)) == len(places)
    assert {panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"} == {
        "Goals", "Queue", "Workers", "Engine", "Delivery", "API and system",
    }  # fmt: skip


def test_every_alert_says_what_happened_and_what_to_do_and_is_in_the_guide() -> None:
    for rule in RULES:
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["action"]
        assert f"| `{rule['alert']}` |" in DOCS


def test_the_services_that_are_scraped_are_those_of_the_cluster() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    scraped = {name for scrape in SCRAPES[:2] for dns in scrape["dns_sd_configs"] for name in dns["names"]}
    workers = {name for name, service in compose.items() if "--here" in service.get("healthcheck", {}).get("test", [])}
    assert scraped == workers | {"api", "coordinator", "flower"}


# -- what is counted --


def a_claim(attempt: int = 1) -> Claim:
    job = Job(id="r1.s1.0", type="mood", input={}, run_id="r1", step_id="s1")
    return Claim(job=job, token="t", attempt=attempt, wait_ms=250)


def an_outcome() -> Outcome:
    usage = Usage(tokens_in=30, tokens_out=8, forced=6, reused=20, cut=900, run_ms=40)
    return Outcome(
        job_id="r1.s1.0",
        run_id="r1",
        step_id="s1",
        index=0,
        state=JobState.SUCCEEDED,
        attempt=1,
        output={},
        usage=usage,
    )


def test_a_worker_counts_claims_tokens_and_what_was_lost(engine: Engine) -> None:
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    metrics.watch({"mood": engine}, 4, lambda: 3)
    metrics.claimed(a_claim())
    metrics.ended(a_claim(), an_outcome(), lost=False)
    metrics.claimed(a_claim(attempt=2))
    metrics.ended(a_claim(attempt=2), None, lost=True)
    metrics.refused(Refusal.ENDED)

    counted = figures(registry)
    mood = "{job_type=mood}"
    assert counted[f"manyhands_claims_total{mood}"] == 2
    assert counted[f"manyhands_redeliveries_total{mood}"] == 1
    assert counted[f"manyhands_job_wait_seconds_sum{mood}"] == 0.5
    assert counted[f"manyhands_job_run_seconds_sum{mood}{{state=succeeded}}"] == 0.04
    tokens = [counted[f"manyhands_tokens_{which}_total{mood}"] for which in ("in", "out", "forced")]
    assert tokens == [30, 8, 6]
    assert counted[f"manyhands_tokens_reused_total{mood}"] == 20
    assert counted[f"manyhands_prompts_cut_total{mood}"] == 1
    assert counted[f"manyhands_leases_lost_total{mood}"] == 1
    assert counted[f"manyhands_outcomes_dropped_total{mood}"] == 1
    assert counted["manyhands_claim_refusals_total{reason=ended}"] == 1
    assert (counted["manyhands_slots"], counted["manyhands_leases_held"]) == (4, 3)


def test_an_engine_that_serves_several_is_shown_once(engine: Engine) -> None:
    registry, other = CollectorRegistry(), Engine({})
    WorkerMetrics(registry).watch({"triage": engine, "command": engine, "mood": other}, 4, lambda: 0)
    counted = figures(registry)
    assert counted["manyhands_engine_rows_total{engine=scripted}{serves=command,triage}"] == 25
    assert counted["manyhands_engine_rows_total{engine=scripted}{serves=mood}"] == 25
    assert counted["manyhands_engine_info{device=cpu}{engine=scripted}{serves=mood}"] == 1
    other.close()


def test_the_ledgers_gauges_are_what_it_says_now() -> None:
    clock = Clock(1000.0)
    ledger, registry = MemoryLedger(now_ms=clock), CollectorRegistry()
    registry.register(LedgerCollector(ledger))
    ledger.release([a_claim().job])
    ledger.beat("mood-1@here", {"serves": {"mood": "1.0.0", "triage": "1.0.0"}}, 60_000)
    clock.passes(2_000)
    counted = figures(registry)
    assert counted["manyhands_ledger_up"] == 1
    assert counted["manyhands_jobs{job_type=mood}{state=ready}"] == 1
    assert counted["manyhands_jobs{job_type=mood}{state=poison}"] == 0
    assert counted["manyhands_oldest_waiting_seconds{job_type=mood}"] == 2
    assert counted["manyhands_workers{job_type=triage}"] == 1
    assert counted["manyhands_outcomes_unacknowledged"] == 0


def test_a_type_with_jobs_and_without_a_worker_has_zero_workers() -> None:
    ledger, registry = MemoryLedger(), CollectorRegistry()
    registry.register(LedgerCollector(ledger))
    ledger.release([a_claim().job])
    assert figures(registry)["manyhands_workers{job_type=mood}"] == 0


class Away(MemoryLedger):
    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        raise LedgerUnavailable("Redis does not answer")


class Hanging(MemoryLedger):
    def __init__(self) -> None:
        super().__init__()
        self.healed = threading.Event()

    def workers(self) -> dict[str, Json]:
        self.healed.wait(60)
        return {}


@pytest.mark.parametrize("ledger", [Away, Hanging])
def test_a_ledger_that_is_away_does_not_break_the_scrape(ledger: Callable[[], Any]) -> None:
    registry, broken = create_registry("coordinator"), ledger()
    CoordinatorMetrics(registry, ["mood"])
    registry.register(LedgerCollector(broken, answer_s=0.1))
    counted = figures(registry)
    if isinstance(broken, Hanging):
        broken.healed.set()
    assert counted["manyhands_ledger_up"] == 0
    assert counted["manyhands_jobs_sent_total{job_type=mood}"] == 0
    assert not [name for name in counted if name.startswith(("manyhands_jobs{", "manyhands_outcomes_un"))]


def test_scrapes_of_a_ledger_that_hangs_wait_for_one_answer_together() -> None:
    registry, hanging = CollectorRegistry(), Hanging()
    registry.register(LedgerCollector(hanging, answer_s=0.05))
    for _ in range(3):
        assert figures(registry)["manyhands_ledger_up"] == 0
    waiting = [thread for thread in threading.enumerate() if thread.name == "ledger-gauges"]
    hanging.healed.set()
    for thread in waiting:
        thread.join()
    assert len(waiting) == 1
    assert figures(registry)["manyhands_ledger_up"] == 1


# -- the port --


def port_settings(port: int | None) -> Settings:
    return Settings(_env_file=None, metrics_port=port)


def test_a_process_serves_its_metrics_and_nothing_else(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    with served(create_registry("api"), port_settings(free_port)):
        answer = httpx.get(f"{url}/metrics")
        assert httpx.get(f"{url}/").status_code == 404
    assert re.search(r'^manyhands_build_info\{process="api",version="[^"]+"\} 1.0$', answer.text, re.MULTILINE)
    assert "manyhands_process_resident_memory_bytes" in answer.text
    assert "python_" not in answer.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/metrics")


def test_who_connects_and_asks_nothing_is_let_go(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Handler, "timeout", _Handler.timeout / 100)
    with (
        served(create_registry("api"), port_settings(free_port)),
        socket.create_connection(("127.0.0.1", free_port), timeout=20) as silent,
    ):
        assert silent.recv(1) == b""


def test_a_port_that_is_taken_is_a_setting_that_cannot_be(free_port: int) -> None:
    with (
        served(create_registry("api"), port_settings(free_port)),
        pytest.raises(SettingError, match=f"MANYHANDS_METRICS_PORT: cannot listen on 127.0.0.1:{free_port}"),
        served(create_registry("worker"), port_settings(free_port)),
    ):
        pass


def test_without_a_port_nothing_is_served() -> None:
    before = threading.active_count()
    with served(create_registry("api"), port_settings(None)):
        assert threading.active_count() == before


# -- tracing, off --


def test_tracing_is_off_and_imports_no_sdk() -> None:
    code = """
import sys
from infra.settings import Settings
from infra.tracing import traced
import coordinator.coordinator, coordinator.goals.goals, workers.worker
with traced(Settings(_env_file=None), "api") as tracer:
    assert type(tracer).__name__ == "NoOpTracer"
assert not [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_traces_without_the_extra_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    settings = Settings(_env_file=None, otlp_endpoint="http://127.0.0.1:4318")
    with pytest.raises(SettingError, match=r"MANYHANDS_OTLP_ENDPOINT.*manyhands\[otel\]"), traced(settings, "api"):
        pass


def test_a_traceparent_reads_as_it_was_written() -> None:
    written = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    span = NoOpTracer().start_span("anything", context_of(written))
    assert traceparent(span) == written


@pytest.mark.parametrize("parent", [None, "", "nonsense", "00-00000000000000000000000000000000-0000000000000000-01"])
def test_what_is_no_traceparent_is_no_trace(parent: str | None) -> None:
    assert traceparent(NoOpTracer().start_span("anything", context_of(parent))) is None


def test_a_job_released_before_there_were_traces_still_reads() -> None:
    job = a_claim().job.model_dump(exclude={"trace"})
    assert Job.model_validate(job).trace is None
