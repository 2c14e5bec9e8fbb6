"""What tests of several tiers need. Nothing here starts, or imports, a Redis until a test asks for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from infra.settings import Settings

if TYPE_CHECKING:  # the unit tier runs where no Redis client is installed
    import redis
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

    from infra.ledger.redis.ledger import RedisLedger
    from infra.queue.celery_queue import CeleryQueue
    from tests.support.ray_cluster import RayCluster

# Properties are tried with the same few cases each time. `make properties` tries many, which its seed decides.
hypothesis.settings.register_profile("few", max_examples=200, deadline=None, derandomize=True)
hypothesis.settings.register_profile("many", max_examples=4_000, deadline=None, database=None)
hypothesis.settings.load_profile("few")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """None: xdist's own, where tests are not shared by file."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.support.sharing import ByWhatIsLoaded

    return ByWhatIsLoaded(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes that share the tests by file begin them in this order."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.support.sharing import longest_first

        items[:] = longest_first(items)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private server that the whole session shares."""
    from infra.process.redis_server import RedisServer

    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of that server, emptied before the test."""
    from infra.ledger.redis.client import client_of

    with client_of(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings(redis_url=redis_url)


@pytest.fixture
def ledger(settings: Settings, redis_client: redis.Redis) -> RedisLedger:
    from infra.ledger.redis.ledger import RedisLedger

    return RedisLedger(redis_client, settings.prefix)


@pytest.fixture
def queue(settings: Settings) -> Iterator[CeleryQueue]:
    from infra.queue.celery_queue import CeleryQueue, create_app

    queue = CeleryQueue(create_app(settings))
    yield queue
    queue.close()


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    """A private Ray cluster that the whole session shares."""
    from tests.support.ray_cluster import RayCluster

    with RayCluster(tmp_path_factory.mktemp("ray")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def ray_settings(ray_cluster: RayCluster) -> Iterator[Settings]:
    """Of that cluster, which this process joins once for all tests."""
    from workers.engines.ray.cluster import join, leave

    join(ray_cluster.address, ray_cluster.token_file)
    yield Settings(ray_address=ray_cluster.address, ray_token_file=ray_cluster.token_file)
    leave()


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model that loads in a moment, for tests in which any model does."""
    from tests.support.tiny import make_tiny

    return make_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def write_specialist(tmp_path: Path) -> Callable[..., Path]:
    """Writes a specialist's folder: `write_specialist(name, manifest, inputs, outputs, files)`."""

    def write(name: str, manifest: str, input: dict[str, Any], output: dict[str, Any], files: dict[str, str]) -> Path:
        folder = tmp_path / "specialists" / name
        folder.mkdir(parents=True)
        head = f'name = "{name}"\nversion = "1.0.0"\ndescription = "For tests."\n'
        (folder / "specialist.toml").write_text(head + manifest)
        for side, properties in (("input", input), ("output", output)):
            schema = {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            }
            (folder / f"{side}.schema.json").write_text(json.dumps(schema))
        for file, text in files.items():
            (folder / file).write_text(text)
        return folder

    return write


@pytest.fixture
def start_worker(redis_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `python -m workers.app NAME…` on the session's Redis; what still runs when the test ends is killed.

    `supervised`: `workers.upkeep.supervisor` instead, whose child the worker is.
    """
    started: list[subprocess.Popen[str]] = []

    def start(*names: str, supervised: bool = False, **settings: str) -> subprocess.Popen[str]:
        env = os.environ | {"MANYHANDS_REDIS_URL": redis_url}
        env |= {f"MANYHANDS_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "workers.upkeep.supervisor" if supervised else "workers.app", *names]
        started.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        _, said = process.communicate()
        print(said)  # noqa: T201 - shown by pytest when the test failed
