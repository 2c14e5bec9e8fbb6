"""The page of metrics: every name that a process gives to Prometheus. Reads registries that count nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from coordinator.api.metrics import ApiMetrics
from coordinator.ledger_metrics import LedgerCollector
from coordinator.runs.metrics import CoordinatorMetrics
from docs.generator.markdown import code, page, table
from infra.ledger.memory.ledger import MemoryLedger
from infra.metrics import create_registry
from workers.engines.scripted import ScriptedEngine
from workers.metrics import WorkerMetrics

INTRODUCTION = """\
This page lists every name that Prometheus can read, with the help that the process itself gives.
[Metrics](../metrics.md) says how to have the metrics served, what the labels mean, and what to watch. A histogram has
series that end in `_bucket`, `_sum` and `_count`."""

ENDS = {"counter": "_total", "info": "_info"}
JOB_TYPE = "mood"


def metrics_page() -> str:
    parts = (part for process, families in sorted(shown().items()) for part in (f"## {process}", _table(families)))
    return page("Metric names", INTRODUCTION, *parts)


def shown() -> dict[str, list[Metric]]:
    """The families of each process; those that every process has stand alone."""
    every = {family.name for family in create_registry("any").collect()}
    own = {process: list(registry.collect()) for process, registry in _registries()}
    alone = {process: [each for each in families if each.name not in every] for process, families in own.items()}
    return {"Every process": list(create_registry("any").collect())} | alone


def _registries() -> Iterator[tuple[str, CollectorRegistry]]:
    worker, coordinator, api = create_registry("worker"), create_registry("coordinator"), create_registry("api")
    with closing(ScriptedEngine({})) as engine:
        WorkerMetrics(worker).watch({JOB_TYPE: engine}, 1, lambda: 0)
        yield "Workers", worker
    CoordinatorMetrics(coordinator, [JOB_TYPE])
    coordinator.register(LedgerCollector(MemoryLedger()))
    yield "Coordinators", coordinator
    ApiMetrics(api)
    yield "API", api


def _table(families: list[Metric]) -> str:
    rows = [[code(name_of(each)), each.type, each.documentation] for each in families]
    return table(["name", "kind", "meaning"], rows)


def name_of(family: Metric) -> str:
    return family.name + ENDS.get(family.type, "")
