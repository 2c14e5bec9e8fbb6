"""Random blows: they choose the next process to kill or freeze, or a message to lose. A seed repeats its choices."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import redis

from benchmarks.chaos.processes.cluster import ChaosCluster, Seat
from benchmarks.chaos.verdict.audit import Audit
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis.client import connect
from infra.ledger.redis.outcomes import GROUP

HOLD_S = 0.5  #: how long a coordinator that has no outcomes in hand stands still before it is killed, to be handed some
LOOK_S = 0.02
#: Kind of process -> the names under which its kills are counted, and what it held when it was killed.
COUNTED = {
    "worker": ("workers killed", "jobs that killed workers held"),
    "coordinator": ("coordinators killed", "outcomes that killed coordinators held"),
    "redis": ("Redis killed", "jobs that ran when Redis was killed"),
}


@dataclass(frozen=True)
class Odds:
    """The weight of each kind of process to kill, and the probability of further faults."""

    worker: int = 6
    coordinator: int = 3
    redis: int = 1
    freeze: float = 0.15  #: a worker is stopped for two leases and then goes on without knowing it
    vanish: float = 0.15  #: a message is lost: Redis gives it to a link that was just cut (FACTS: 2 of 3 cuts)
    again_s: float = 2.0  #: a killed process is started again within this time


class Blows:
    def __init__(self, cluster: ChaosCluster, chance: Random, odds: Odds, audit: Audit) -> None:
        self._cluster = cluster
        self._audit = audit
        self._chance = chance
        self._odds = odds
        self._odds_of = {"worker": odds.worker, "coordinator": odds.coordinator, "redis": odds.redis}
        self._client = connect(cluster.settings)
        self.count: Counter[str] = Counter()
        self._freezing = False  #: a worker is still to be frozen

    def strike(self) -> None:
        """Kill one process, and perhaps do more."""
        odds = self._odds
        kind = self._chosen()
        again_s, freeze, vanish = self._chance.uniform(0, odds.again_s), self._chance.random(), self._chance.random()
        seat = None if kind == "redis" else self._one_of(kind)
        if seat or kind == "redis":
            killed, held = COUNTED[kind]
            self.count[held] += self._held(seat)
            self.count[killed] += 1
        if kind == "redis":
            self._cluster.kill_redis()
        elif seat:
            self._cluster.kill(seat, again_s)
        self._freezing = self._freezing or freeze < odds.freeze
        if vanish < odds.vanish:
            self._lose_message()

    @property
    def owed(self) -> list[str]:
        """The kinds that no blow has hit with work in hand yet. They are struck first, because the kill of an idle
        process shows nothing.
        """
        return [kind for kind, odds in self._odds_of.items() if odds and not self.count[COUNTED[kind][1]]]

    def _chosen(self) -> str:
        kinds = self.owed or list(self._odds_of)
        (kind,) = self._chance.choices(kinds, [self._odds_of[each] for each in kinds])
        return kind

    def close(self) -> None:
        self._client.close()

    def _held(self, seat: Seat | None) -> int:
        """What Redis or the process of the seat holds. The process stands still from then on, so that it keeps it."""
        if seat:
            self._cluster.stop(seat)
        with suppress(redis.RedisError):  # Redis has just been killed
            if seat and seat.role == "coordinator":
                return self._outcomes_of(seat.pid)
            self._audit.read()
            holders = [claim.worker for claim in self._audit.holders.values()]
            return sum(f"-{seat.pid}@" in worker for worker in holders) if seat else len(holders)
        return 0

    def _outcomes_of(self, pid: int) -> int:
        """Those that the coordinator was handed and has not acknowledged. Raises redis.RedisError."""
        until = time.monotonic() + HOLD_S
        while not (count := self._pending(pid)) and time.monotonic() < until:
            time.sleep(LOOK_S)
        return count

    def _pending(self, pid: int) -> int:
        try:
            told: Any = self._client.xpending(f"{self._cluster.settings.prefix}:outcomes", GROUP)
        except redis.ResponseError:  # no coordinator has asked for outcomes yet
            return 0
        return sum(each["pending"] for each in told["consumers"] if each["name"].endswith(f"-{pid}"))

    def _one_of(self, role: str) -> Seat | None:
        """Choose a living process of the role; None if there is none to kill."""
        living = [seat for seat in self._cluster.seats if seat.role == role and seat.lives and seat.thaws is None]
        return self._chance.choice(living) if living else None

    def freeze_due(self, at_work: Iterable[str]) -> None:
        """If a freeze is due, freeze the worker that runs most jobs, once one is at work. Only one is
        frozen at a time.
        """
        if not self._freezing or any(seat.thaws is not None for seat in self._cluster.seats):
            return
        for name, _ in Counter(at_work).most_common():
            for seat in self._cluster.seats:
                if seat.process and seat.lives and f"-{seat.process.pid}@" in name:
                    self._cluster.freeze(seat, 2 * self._cluster.settings.lease_s)
                    self.count["workers frozen"] += 1
                    self._freezing = False
                    return

    def _lose_message(self) -> None:
        try:
            for job_type in self._cluster.ledger.depths():
                if self._client.rpop(f"{self._cluster.settings.queue_prefix}:{job_type}") is not None:
                    self.count["messages lost"] += 1
                    return
        except (redis.RedisError, LedgerUnavailable):
            return  # Redis is down, so nothing can be lost from it
