"""Outcomes on Redis: a stream that one group of coordinators shares."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis

from infra.ledger.protocol import check_limit
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, within
from infra.ledger.unreadable import read_outcome
from infra.records import Outcome

GROUP = "coordinator"
LOOKS = 4  #: how often abandoned outcomes are looked for in the time after which they count as abandoned


class RedisOutcomes(RedisStore):
    _look_at = 0.0  #: `time.monotonic()` of the next look for outcomes that a consumer has left

    @answered
    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        check_limit(limit)
        try:
            entries = self._abandoned(consumer, limit) or self._new(consumer, limit, wait_ms)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group()
            return self.outcomes(consumer, limit, wait_ms)
        read = [(entry, read_outcome(fields.get("outcome", ""))) for entry, fields in entries if fields]
        self.acknowledge([entry for entry, outcome in read if outcome is None])
        return [(entry, outcome) for entry, outcome in read if outcome]

    @answered
    def acknowledge(self, acks: Sequence[str]) -> None:
        if acks:
            with self._redis.pipeline() as pipe:
                pipe.xack(self._key("outcomes"), GROUP, *acks).xdel(self._key("outcomes"), *acks).execute()

    @answered
    def unacknowledged(self) -> int:
        return int(self._redis.xlen(self._key("outcomes")))

    def _abandoned(self, consumer: str, limit: int) -> Any:
        """Outcomes that a consumer left. Each look is a round trip, so there are LOOKS of them in the idle time."""
        if time.monotonic() < self._look_at:
            return []
        found = self._redis.xautoclaim(self._key("outcomes"), GROUP, consumer, self._idle_ms, "0", count=limit)[1]
        if len(found) < limit:
            self._look_at = time.monotonic() + self._idle_ms / 1000 / LOOKS
        return found

    def _new(self, consumer: str, limit: int, wait_ms: int) -> Any:
        streams = {self._key("outcomes"): ">"}
        answer = within(wait_ms, lambda block: self._redis.xreadgroup(GROUP, consumer, streams, limit, block))
        return answer[0][1] if answer else []

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(self._key("outcomes"), GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # another consumer made it in between
                raise
