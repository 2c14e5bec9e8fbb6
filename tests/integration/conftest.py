"""A deployment without processes: real coordinator and API over a ledger, and a worker that answers from a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger
from infra.process.redis_server import RedisServer
from specialists.catalog import Catalog, load_catalog
from tests.support.deployment import Deployment
from tests.support.house import House
from tests.support.nap import nap_in
from tests.support.relay import Relay
from tests.support.served_api import served_api
from tests.support.survivors import IMPATIENT, Survivors


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(adapters=False)


@pytest.fixture
def deploy(catalog: Catalog) -> Iterator[Callable[..., Deployment]]:
    """Makes deployments, not started: goals are accepted and wait."""
    made: list[Deployment] = []

    def make(ledger: Ledger, coordinators: int = 1) -> Deployment:
        made.append(Deployment(ledger, catalog, coordinators))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy(MemoryLedger())


@pytest.fixture
def api(deployment: Deployment) -> Iterator[TestClient]:
    app = create_api(deployment.ledger, deployment.catalog, deployment.settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def url(deployment: Deployment) -> Iterator[str]:
    """Of its API, on a real socket."""
    app = create_api(deployment.ledger, deployment.catalog, deployment.settings)
    with served_api(app) as url:
        yield url


@pytest.fixture(scope="module")
def survivors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survivors]:
    """Real processes behind a relay, for all tests of a file: each brings its own servers, and they survive the change.

    The worker naps for as many seconds as a job of type `nap` says.
    """
    folder = tmp_path_factory.mktemp("survivors")
    with (
        RedisServer(folder / "first") as first,
        Relay(first.port) as relay,
        House(relay.url, nap_in(folder), folder / "logs", **IMPATIENT) as house,
    ):
        yield Survivors(relay, house)
