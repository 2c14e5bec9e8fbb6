"""Redis is killed, full, or cannot write its disk: outages that end by themselves, and nothing is lost in them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from coordinator.ledger_metrics import LedgerCollector
from infra.ledger.redis.client import client_of
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.records import Job, JobState
from tests.support.eventually import eventually
from tests.support.jobs import state_of, status_of
from tests.support.survivors import Survivors, away, check_done_once

CONF = Path(__file__).parents[3] / "infra" / "deploy" / "redis" / "redis.conf"


@pytest.fixture
def server(tmp_path: Path, survivors: Survivors) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        survivors.move_to(server.port)
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    with client_of(server.url) as client:
        yield client


def roster(survivors: Survivors) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from infra.cli import main; main()", "workers"]
    return subprocess.run(
        command, env=survivors.house.environment, capture_output=True, text=True, check=False, timeout=60
    )


def up(collector: LedgerCollector) -> float:
    return next(metric.samples[0].value for metric in collector.collect() if metric.name == "manyhands_ledger_up")


def test_every_process_survives_a_restart_of_redis(survivors: Survivors, server: RedisServer) -> None:
    before = survivors.house.pids
    with client_of(survivors.relay.url) as client:
        collector = LedgerCollector(RedisLedger(client, "mh"))
        assert up(collector) == 1
        goal = survivors.submit([0.1] * 40)
        goal.await_jobs(10)

        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        with ThreadPoolExecutor() as threads:  # each tries for a second or two, and Celery longer with each try
            refusing, gauging, listing = (
                threads.submit(survivors.refusal), threads.submit(up, collector), threads.submit(roster, survivors),
            )  # fmt: skip
        server.stop()
        server.start()
        assert away(refusing.result())
        assert gauging.result() == 0
        listed = listing.result()
        assert (listed.returncode, listed.stderr.startswith("error: Redis does not answer")) == (1, True)
        check_done_once(goal, server.url)
        assert up(collector) == 1
    assert "nap-" in roster(survivors).stdout
    assert survivors.house.pids == before


def fill(client: redis.Redis, folder: Path) -> Callable[[], object]:
    client.config_set("maxmemory", "1mb")
    return lambda: client.config_set("maxmemory", 0)


def break_disk(client: redis.Redis, folder: Path) -> Callable[[], None]:
    """Have it fail to write, here a snapshot: it refuses writes until it can. A full disk under its append-only file
    has the same answer, MISCONF."""
    (folder / "dump.rdb").mkdir()
    client.config_set("save", "3600 1000000")
    client.bgsave()
    eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "it has failed to write")

    def mend() -> None:
        (folder / "dump.rdb").rmdir()
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", "it has written")
        client.config_set("save", "")

    return mend


@pytest.mark.parametrize("harm", [fill, break_disk])
def test_a_redis_that_cannot_write_refuses_goals_and_takes_what_runs_later(
    survivors: Survivors,
    server: RedisServer,
    client: redis.Redis,
    tmp_path: Path,
    harm: Callable[[redis.Redis, Path], Callable[[], object]],
) -> None:
    before = survivors.house.pids
    goal = survivors.submit([1.0] * 8)  # twice as many as run at once
    ledger = RedisLedger(client, "mh")
    running = [Job.name(goal.id, "s1", index) for index in range(4)]
    eventually(lambda: all(state_of(ledger, job_id) is JobState.RUNNING for job_id in running), "four run")

    mend = harm(client, tmp_path)
    assert away(survivors.refusal())
    eventually(lambda: client.info("stats")["total_error_replies"] > 20, "commits have been refused")
    assert not goal.ended_jobs
    mend()

    check_done_once(goal, server.url)
    assert [status_of(ledger, job_id).attempt for job_id in running] == [1] * 4
    assert survivors.house.pids == before


def test_both_deployments_keep_their_data_alike(tmp_path: Path) -> None:
    lines = (line.split("#")[0].split(maxsplit=1) for line in CONF.read_text().splitlines())
    cluster = {line[0]: line[1].strip().strip('"') for line in lines if line}
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        running: Any = client.config_get("*")
        client.config_set("auto-aof-rewrite-min-size", cluster["auto-aof-rewrite-min-size"])
        assert (
            client.config_get("auto-aof-rewrite-min-size").items() <= running.items()
        )  # in bytes, what there is in mb
    durable = (
        "appendonly", "appendfsync", "save", "maxmemory-policy", "aof-use-rdb-preamble", "auto-aof-rewrite-percentage",
    )  # fmt: skip
    assert {name: running[name] for name in durable} == {name: cluster[name] for name in durable}
    assert (cluster["appendonly"], cluster["appendfsync"], cluster["maxmemory-policy"]) == (
        "yes", "everysec", "noeviction",
    )  # fmt: skip
