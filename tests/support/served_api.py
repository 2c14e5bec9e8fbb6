"""An API on a real socket, in a thread of this process, and what it shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
from fastapi import FastAPI

from coordinator.api.server import server_of
from infra.process.redis_server import free_port


@contextmanager
def served_api(app: FastAPI) -> Iterator[str]:
    """Its address."""
    server = server_of(app, "127.0.0.1", free_port(), timeout_graceful_shutdown=1)
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = True
        thread.join()


def shown(address: str) -> Any:
    """What an API shows there, however busy the machine is."""
    return httpx.get(address, timeout=60).json()
