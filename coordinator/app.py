"""The coordinator process: `python -m coordinator.app`. A composition root; reads the settings once."""

from __future__ import annotations

import os
import signal
import socket
from threading import Event

from coordinator.coordinator import Coordinator
from infra import logs
from infra.celery_queue import CeleryQueue, create_app
from infra.redis_client import connect
from infra.redis_ledger import RedisLedger
from infra.settings import Settings
from specialists.catalog import load_catalog


def main() -> None:
    settings = Settings()
    logs.configure(settings)
    name = f"{socket.gethostname()}-{os.getpid()}"
    ledger = RedisLedger(connect(settings), settings.prefix)
    queue = CeleryQueue(create_app(settings))
    coordinator = Coordinator(ledger, queue, load_catalog(settings.specialists, adapters=False), settings, name)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    coordinator.serve(stop)


if __name__ == "__main__":
    main()
