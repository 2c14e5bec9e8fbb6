"""The coordinator process: `python -m coordinator.app`. A composition root; reads the settings once."""

from __future__ import annotations

import logging
import os
import signal
import socket
from threading import Event

from coordinator.coordinator import Coordinator
from coordinator.exits import reasons
from coordinator.ledger_metrics import LedgerCollector
from coordinator.runs.metrics import CoordinatorMetrics
from infra import logs
from infra.ledger.protocol import LedgerRefused, LedgerUnavailable
from infra.ledger.protocols.job_types import JobCounts
from infra.ledger.redis.ledger import RedisLedger
from infra.metrics import create_registry, served
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.settings import Settings
from infra.tracing import traced
from specialists.live_catalog import LiveCatalog

logger = logging.getLogger("coordinator.app")  # not `__name__`: this module is run as `__main__`


def main() -> None:
    settings = Settings()
    logs.configure(settings)
    name = f"{socket.gethostname()}-{os.getpid()}"
    ledger = RedisLedger.of(settings)
    queue = CeleryQueue(create_app(settings))
    catalog = LiveCatalog(settings.specialists)
    registry = create_registry("coordinator")
    registry.register(LedgerCollector(ledger))
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with served(registry, settings), traced(settings, "coordinator") as tracer:
        check_rights(ledger)
        metrics = CoordinatorMetrics(registry, catalog.names())
        Coordinator(ledger, queue, catalog, settings, name, metrics, tracer).serve(stop)


def check_rights(ledger: JobCounts) -> None:
    """Raise LedgerRefused if the ledger refuses us. If it does not answer yet, the loops wait for it."""
    try:
        ledger.depths()
    except LedgerRefused:
        raise
    except LedgerUnavailable as error:
        logger.warning("the ledger does not answer yet: %s", error, extra={"action": "wait"})


if __name__ == "__main__":
    with reasons():
        main()
