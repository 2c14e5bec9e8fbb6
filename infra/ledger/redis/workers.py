"""Live workers on Redis."""

from __future__ import annotations

from pydantic_core import from_json

from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, compact
from infra.records import Json


class RedisWorkers(RedisStore):
    @answered
    def beat(self, worker: str, about: Json, ttl_ms: int) -> None:
        self._run("beat", worker, compact(about), ttl_ms)

    @answered
    def leave(self, worker: str) -> None:
        self._run("leave", worker)

    @answered
    def workers(self) -> dict[str, Json]:
        names = self._redis.zrange(self._key("workers"), 0, -1)
        abouts = self._redis.mget([self._key("worker", name) for name in names]) if names else []
        return {name: from_json(about) for name, about in zip(names, abouts, strict=True) if about}
