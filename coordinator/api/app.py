"""The API process: `python -m coordinator.api.app`. A composition root; reads the settings once."""

from __future__ import annotations

import gc
import signal
import sys

from fastapi import FastAPI

from coordinator.api.build import create_api
from coordinator.api.metrics import ApiMetrics
from coordinator.api.server import server_of
from coordinator.exits import reasons
from coordinator.keys.listening import check_listening
from infra import logs
from infra.ledger.redis.ledger import RedisLedger
from infra.metrics import create_registry, served
from infra.settings import Settings
from infra.tracing import traced
from specialists.live_catalog import LiveCatalog

NOT_STARTED = 3  #: exit code, as uvicorn's own command has it


def main() -> None:
    settings = Settings()
    check_listening(settings)
    logs.configure(settings)
    ledger = RedisLedger.of(settings)
    catalog = LiveCatalog(settings.specialists)
    registry = create_registry("api")
    # uvicorn ends by the signal that stopped it: by default that would leave no time to send the last spans.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with served(registry, settings), traced(settings, "api") as tracer:
        _run(create_api(ledger, catalog, settings, ApiMetrics(registry), tracer), settings)


def _run(api: FastAPI, settings: Settings) -> None:
    # Watchers hold their connection for as long as a goal runs: do not wait for them at the end.
    server = server_of(api, settings.api_host, settings.api_port, timeout_graceful_shutdown=3)
    settle(api)
    server.run()
    if not server.started:
        sys.exit(NOT_STARTED)


def settle(api: FastAPI) -> None:
    """Make at the start what the first requests would make, and have the garbage collector leave it alone.

    A full collection went through all of it, held Python's lock meanwhile, and so the event loop: for 95 to 140 ms of
    CPU, several times in 2,000 connections (2 cores of 2026-12).
    """
    api.openapi()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    with reasons():
        main()
