"""A deployment without processes: real coordinator and API over a ledger, and a worker that answers from a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.coordinator import Coordinator
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger
from infra.process.redis_server import RedisServer, free_port
from infra.queue.memory import MemoryQueue
from infra.records import Claim, Failure, FailureKind, JobState, Json, Outcome
from infra.settings import Settings
from specialists.catalog import Catalog, load_catalog
from tests.support.house import House
from tests.support.relay import Relay
from tests.support.survivors import IMPATIENT, Survivors, nap_in

Answer = Callable[[Json], Json]


class Deployment:
    """Coordinators and one worker, in threads of this process. Functions answer themselves, models by table."""

    def __init__(self, ledger: Ledger, catalog: Catalog, coordinators: int = 1) -> None:
        self.ledger = ledger
        self.settings = Settings(_env_file=None, api_body_bytes=300_000, silent_s=2, sweep_s=0.2)
        self.catalog = catalog
        self.queue = MemoryQueue()
        self.answers: dict[str, Answer] = {
            specialist.name: specialist.function for specialist in self.catalog if specialist.manifest.function
        }
        self.confidence: dict[str, float] = {}  #: of all answers of a type
        self._stop = Event()
        self.coordinators = [self.coordinator(f"coordinator-{number}") for number in range(coordinators)]
        self._threads = [
            *(Thread(target=each.serve, args=(self._stop,)) for each in self.coordinators),
            Thread(target=lambda: self.queue.serve(dict.fromkeys(self.catalog.names(), self.work), 4, "worker-1")),
        ]

    def coordinator(self, name: str) -> Coordinator:
        return Coordinator(self.ledger, self.queue, self.catalog, self.settings, name)

    def work(self, job_id: str) -> None:
        """As a worker that got the note "this job is ready"."""
        claim = self.ledger.claim(job_id, "worker-1", 5_000)
        if isinstance(claim, Claim):
            self.ledger.commit(self._attempt(claim), claim.token)

    def _attempt(self, claim: Claim) -> Outcome:
        job = claim.job
        ids: Any = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index}
        ids |= {"attempt": claim.attempt, "round": job.round}
        try:
            output, confidence = self.answers[job.type](job.input), self.confidence.get(job.type)
            return Outcome(**ids, state=JobState.SUCCEEDED, output=output, confidence=confidence)
        except ValueError as error:
            failure = Failure(kind=FailureKind.ENGINE, message=str(error))
            return Outcome(**ids, state=JobState.FAILED, failure=failure)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.queue.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()


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
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_config=None, timeout_graceful_shutdown=1))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


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
