"""Everything on this machine, for the acceptance tests to share: real processes, real Redis, real weights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coordinator.local.house import House, Ports
from coordinator.local.up import fetch_weights
from infra.settings import Settings


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = Settings()
    fetch_weights(settings)
    with House(settings, Ports.private(), tmp_path_factory.mktemp("house"), print) as house:
        house.await_workers()
        yield house
