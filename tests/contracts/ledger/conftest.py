"""Each test in this folder runs on both ledgers: in memory, where time is told to pass, and on a Redis of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.memory.store import WEEK_S, wall_ms
from infra.ledger.protocol import Ledger
from tests.contracts.ledger.given import IDLE_MS, TimedLedger, sleeps
from tests.support.clock import Clock


@pytest.fixture(params=["memory", "redis"])
def build(request: pytest.FixtureRequest) -> Callable[[int], TimedLedger]:
    """Builds a ledger that keeps what has ended for so many seconds."""

    def in_memory(retention_s: int) -> TimedLedger:
        clock = Clock()
        ledger = MemoryLedger(now_ms=clock, retention_s=retention_s, idle_ms=IDLE_MS)
        return TimedLedger(ledger, clock.passes, clock)

    def on_redis(retention_s: int) -> TimedLedger:
        from infra.ledger.redis.ledger import RedisLedger

        client = request.getfixturevalue("redis_client")
        return TimedLedger(RedisLedger(client, "test", retention_s=retention_s, idle_ms=IDLE_MS), sleeps, wall_ms)

    return in_memory if request.param == "memory" else on_redis


@pytest.fixture
def timed(build: Callable[[int], TimedLedger]) -> TimedLedger:
    return build(WEEK_S)


@pytest.fixture
def ledger(timed: TimedLedger) -> Ledger:
    return timed.ledger
