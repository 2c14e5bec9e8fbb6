"""The tier that needs a Docker engine: `make cluster-test`. Its tests share one cluster and run in their order."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from coordinator.client import Client
from tests.cluster.cluster import EXAMPLES, Cluster

NO_ENGINE = "no Docker engine answers `docker info`, or it has no compose plugin: start one, or leave out tests/cluster"
STAGES = pytest.StashKey[list[tuple[str, str]]]()


def has_engine() -> bool:
    try:
        asked = [
            subprocess.run(["docker", *words], capture_output=True, check=False)
            for words in (["info"], ["compose", "version"])
        ]
    except FileNotFoundError:
        return False
    return not any(each.returncode for each in asked)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if not has_engine():
        pytest.exit(NO_ENGINE, returncode=1)
    with Cluster() as cluster:
        request.config.stash[STAGES] = cluster.stages
        cluster.measure_sizes()
        yield cluster


@pytest.fixture(scope="session")
def client(cluster: Cluster) -> Iterator[Client]:
    with Client(cluster.url, api_key=cluster.api_key) as client:
        yield client


@pytest.fixture(scope="session")
def flower(cluster: Cluster) -> Iterator[httpx.Client]:
    user, _, password = (EXAMPLES / "flower_auth").read_text().strip().partition(":")
    with httpx.Client(base_url=cluster.flower_url, auth=(user, password), timeout=30.0) as client:
        yield client


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    stages = config.stash.get(STAGES, [])
    if stages:
        terminalreporter.section("what it took")
    for what, measured in stages:
        terminalreporter.write_line(f"{what:<64} {measured}")
