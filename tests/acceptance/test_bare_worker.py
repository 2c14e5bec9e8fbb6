"""A worker on a fresh machine: nothing is set there, and the broker's address and its key are all that it is given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.ledger.redis.client import client_of, connect
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import JobState
from infra.settings import Settings
from specialists.catalog import load_catalog
from tests.support.eventually import eventually
from tests.support.jobs import await_state, sent

WAIT_S = 60
KEY = "a key of / this ? house"
MANYHANDS = [sys.executable, "-c", "from infra.cli import main; main()"]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Of the house that the worker joins: a Redis that lets in who knows its key."""
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    with RedisServer(tmp_path / "redis") as server:
        with client_of(server.url) as client:
            client.config_set("requirepass", KEY)
        yield Settings(_env_file=None, redis_url=server.url, redis_password_file=key_file)


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """An environment in which nobody has set anything of ours, nor kept anything."""
    home = tmp_path / "home"
    home.mkdir()
    return {name: value for name, value in os.environ.items() if not name.startswith("MANYHANDS_")} | {
        "HOME": str(home)
    }


def listed(settings: Settings, fresh: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """`manyhands workers`, as whoever runs the house sees it."""
    told = {"MANYHANDS_REDIS_URL": settings.redis_url, "MANYHANDS_REDIS_PASSWORD": KEY}
    command = [*MANYHANDS, "workers", *options]
    return subprocess.run(command, env=fresh | told, capture_output=True, text=True, check=False, timeout=WAIT_S)


def test_a_worker_joins_with_the_brokers_address_and_a_key_and_leaves_without_a_trace(
    settings: Settings, fresh: dict[str, str], tmp_path: Path
) -> None:
    ledger, queue = RedisLedger(connect(settings), settings.prefix), CeleryQueue(create_app(settings))
    given = ["count", "--broker", settings.redis_url, "--key-file", str(settings.redis_password_file), "--slots", "3"]
    worker = subprocess.Popen(
        [*MANYHANDS, "worker", *given], env=fresh, cwd=fresh["HOME"], stderr=subprocess.PIPE, text=True
    )
    try:
        eventually(ledger.workers)
        items = [{"kind": "tea"}, {"kind": "jam"}, {"kind": "tea"}]
        (job_id,) = sent(ledger, queue, "count", [{"items": items, "field": "kind"}])
        await_state(ledger, job_id, JobState.SUCCEEDED)
        eventually(lambda: next(iter(ledger.workers().values()))["done"] == 1)

        (about,) = map(json.loads, listed(settings, fresh, "--json").stdout.splitlines())
        assert about["serves"] == {"count": load_catalog(adapters=False).get("count").manifest.version}
        assert (about["engines"], about["devices"], about["tokens_per_s"]) == (["function"], ["cpu"], None)
        assert (about["slots"], about["running"], about["done"]) == (3, 0, 1)
        assert about["memory_bytes"] > 0
        line = listed(settings, fresh, "--here").stdout.splitlines()[1]
        assert line.startswith(f"count-{about['pid']}@")
        assert "  function on cpu  " in line
        assert "  0/3 " in line

        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=WAIT_S)
        assert worker.returncode == 0, said
        assert listed(settings, fresh, "--here").returncode == 1  # at once, not when its lease has run out
        assert KEY not in said
    finally:
        worker.kill()
        worker.communicate()
        queue.close()
        ledger.close()
    assert list(Path(fresh["HOME"]).iterdir()) == []
