"""Makes the client for a command, and turns errors into lines for people. Knows no command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coordinator.exits import reasons
from infra.records import NOBODY

if TYPE_CHECKING:
    from coordinator.client import Client


@contextmanager
def client_of(url: str | None, tenant: str = NOBODY) -> Iterator[Client]:
    from coordinator.client import Client
    from infra.settings import Settings

    with reasons(), Client(url or f"http://127.0.0.1:{Settings().api_port}", tenant) as client:
        yield client
