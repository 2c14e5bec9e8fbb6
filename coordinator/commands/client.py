"""Makes the client for a command, and turns errors into lines for people. Knows no command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coordinator.exits import reasons

if TYPE_CHECKING:
    from coordinator.client import Client


@contextmanager
def client_of(url: str | None, tenant: str | None = None) -> Iterator[Client]:
    from coordinator.client import Client
    from infra.settings import Settings

    with reasons():
        settings = Settings()
        key = settings.api_key.get_secret_value() if settings.api_key else None
        with Client(url or f"http://127.0.0.1:{settings.api_port}", tenant, key) as client:
            yield client
