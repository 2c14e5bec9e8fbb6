"""A replica takes over the address of a Redis that died: every process goes on, and each job is done once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis.client import client_of
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer, free_port
from infra.records import Job, RunRecord
from tests.support.eventually import eventually
from tests.support.survivors import Survivors, away, check_done_once


@dataclass
class Pair:
    """A primary and its replica, which has all that the primary has had so far."""

    primary: RedisServer
    replica: RedisServer
    to_primary: Any  #: clients; redis-py types their answers as "awaitable or not"
    to_replica: Any

    def kill(self) -> None:
        assert self.primary.pid
        os.kill(self.primary.pid, signal.SIGKILL)

    def promote(self) -> None:
        self.to_replica.replicaof("NO", "ONE")

    @property
    def in_sync(self) -> bool:
        return bool(self.to_replica.info("replication")["master_link_status"] == "up")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        primary, replica = (stack.enter_context(RedisServer(tmp_path / name)) for name in ("primary", "replica"))
        clients = [stack.enter_context(client_of(server.url)) for server in (primary, replica)]
        both = Pair(primary, replica, *clients)
        both.to_primary.config_set("repl-diskless-sync-delay", 0)
        both.to_replica.replicaof("127.0.0.1", primary.port)
        eventually(lambda: both.in_sync, "the replica is in sync")
        yield both


def test_a_goal_ends_on_the_replica_that_took_over(survivors: Survivors, pair: Pair) -> None:
    survivors.move_to(pair.primary.port)
    before = survivors.house.pids
    goal = survivors.submit([0.1] * 60)
    goal.await_jobs(15)

    pair.kill()
    survivors.relay.point_at(free_port())  # nothing listens there
    eventually(lambda: away(survivors.refusal()), "the API says that it is away")
    survivors.relay.point_at(pair.replica.port)
    eventually(survivors.answers, "the replica is read")
    eventually(lambda: away(survivors.refusal()), "the API says that it cannot be written")
    pair.promote()

    check_done_once(goal, pair.replica.url)
    assert survivors.house.pids == before


def test_a_goal_ends_on_a_replica_that_was_still_loading_when_it_was_reached(survivors: Survivors, pair: Pair) -> None:
    survivors.move_to(pair.primary.port)
    before = survivors.house.pids
    goal = survivors.submit([0.1] * 40)
    goal.await_jobs(10)

    survivors.relay.point_at(free_port())
    pair.promote()  # and a replica again: it has to load all anew, and says so to whoever asks meanwhile
    pair.to_replica.set("its own", "now")
    pair.to_replica.config_set("key-load-delay", 20_000)  # microseconds each
    pair.to_replica.replicaof("127.0.0.1", pair.primary.port)
    survivors.relay.point_at(pair.replica.port)
    eventually(lambda: away(survivors.refusal()), "the API says that it is away")
    eventually(lambda: pair.in_sync, "it has loaded")
    pair.kill()
    pair.promote()

    check_done_once(goal, pair.replica.url)
    assert survivors.house.pids == before


def test_links_that_died_without_a_word_are_given_up(survivors: Survivors, pair: Pair) -> None:
    survivors.move_to(pair.primary.port)
    before = survivors.house.pids
    goal = survivors.submit([0.1] * 40)
    goal.await_jobs(10)

    survivors.relay.point_at(pair.replica.port, silently=True)
    pair.promote()

    check_done_once(goal, pair.replica.url)
    assert survivors.house.pids == before


RUN = RunRecord(id="r1", created_ms=1, body={})
JOBS = [Job(id="r1.s1.0", type="nap", input={}, run_id="r1", step_id="s1")]


def test_a_goal_is_accepted_once_a_replica_has_it(pair: Pair) -> None:
    ledger = RedisLedger(pair.to_primary, "test", replicas=1)
    ledger.create_run(RUN, JOBS, [])
    pair.kill()
    pair.promote()

    kept = RedisLedger(pair.to_replica, "test")
    assert kept.load_run(RUN.id) == RUN
    assert kept.take_ready(1) == [("nap", JOBS[0].id)]


def test_a_goal_that_no_replica_has_is_not_accepted(pair: Pair) -> None:
    ledger = RedisLedger(pair.to_primary, "test", replicas=1)
    ledger.ping()
    assert pair.replica.pid
    os.kill(pair.replica.pid, signal.SIGSTOP)
    try:
        with pytest.raises(LedgerUnavailable, match="0 of 1 replicas"):
            ledger.create_run(RUN, JOBS, [])
    finally:
        os.kill(pair.replica.pid, signal.SIGCONT)
