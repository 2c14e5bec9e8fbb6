"""Job types on Redis: whether they are open, and how much waits of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore
from infra.records import Cause, Load, Priority, TypeState

DEPTHS = ("pending", "ready", "sent", "running", *map(str, Cause), "oldest_ms")


class RedisJobTypes(RedisStore):
    @answered
    def type_states(self) -> dict[str, TypeState]:
        states = self._redis.hgetall(self._key("type_states"))
        return {job_type: TypeState(state) for job_type, state in sorted(states.items())}

    @answered
    def set_type_state(self, job_type: str, state: TypeState) -> None:
        with self._redis.pipeline() as pipe:
            if state is TypeState.OPEN:
                pipe.hdel(self._key("type_states"), job_type)
            else:
                pipe.hset(self._key("type_states"), job_type, state)
            pipe.hset(self._key("load", job_type), "since", 0)  # the time of a pause does not count for the speed
            pipe.lpush(self._key("wake"), 0).ltrim(self._key("wake"), 0, 0).execute()

    @answered
    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        lines = sorted(self._run("depths", *job_types))
        return {job_type: dict(zip(DEPTHS, counts, strict=True)) for job_type, *counts in lines}

    @answered
    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        return dict(zip(job_types, map(_load, self._run("loads", *job_types)), strict=True))


def _load(counts: Any) -> Load:
    """Read the counts that `loads` answers for one type."""
    state, sent, running, pending, tokens, speed, flat = counts
    ready: dict[Priority, dict[str, int]] = {}
    for rank, tenant, count in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        ready.setdefault(list(Priority)[int(rank)], {})[tenant] = count
    return Load(
        state=TypeState(state or TypeState.OPEN),
        ready=ready,
        sent=sent,
        running=running,
        pending=pending,
        tokens=tokens,
        tokens_per_s=float(speed) if speed else None,
    )
