"""`manyhands workers`: as a table, as JSON, and with `--here` as a container's health check runs it."""

import json
import os
import socket
import subprocess
import sys

import pytest
import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.records import Json
from infra.settings import Settings


def _workers(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from infra.cli import main; main()", "workers", *options]
    environment = {**os.environ, "MANYHANDS_REDIS_URL": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _about(host: str) -> Json:
    return {"host": host, "serves": {"triage": "1.0.0"}, "running": 0, "slots": 16}


@pytest.fixture
def ledger(redis_client: redis.Redis) -> RedisLedger:
    return RedisLedger(redis_client, Settings().prefix)


def test_a_host_is_healthy_when_a_worker_of_it_has_said_so(ledger: RedisLedger, redis_url: str) -> None:
    ledger.beat("triage-1@here", _about(socket.gethostname()), ttl_ms=60_000)
    done = _workers(redis_url, "--here")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split()[:4] == ["triage-1@here", socket.gethostname(), "triage", "1.0.0"]


def test_a_host_is_not_healthy_because_another_one_is(ledger: RedisLedger, redis_url: str) -> None:
    ledger.beat("triage-1@there", _about("there"), ttl_ms=60_000)
    assert _workers(redis_url, "--here").returncode == 1
    head, line = _workers(redis_url).stdout.splitlines()
    assert head.split()[:3] == ["name", "host", "serves"]
    assert "  0/16  " in line


def test_as_json_each_worker_is_a_line_with_all_that_it_says(ledger: RedisLedger, redis_url: str) -> None:
    ledger.beat("triage-1@there", _about("there"), ttl_ms=60_000)
    ledger.beat("count-2@there", _about("there") | {"devices": ["cpu"]}, ttl_ms=60_000)
    done = _workers(redis_url, "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"name": "count-2@there", "devices": ["cpu"]} | _about("there"),
        {"name": "triage-1@there"} | _about("there"),
    ]


def test_a_bad_setting_is_one_line_that_names_it() -> None:
    done = _workers("127.0.0.1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: MANYHANDS_REDIS_URL: must be redis://")
    assert len(done.stderr.splitlines()) == 1


def test_no_ledger_is_one_line_that_says_so() -> None:
    done = _workers("redis://127.0.0.1:1/0", "--here")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Redis does not answer")
