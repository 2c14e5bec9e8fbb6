"""Keys of the API and quotas of tenants on Redis."""

from __future__ import annotations

from infra.access import ApiKey, KeptKey, Quota
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore


class RedisKeys(RedisStore):
    @answered
    def add_key(self, key: ApiKey) -> None:
        with self._redis.pipeline() as pipe:
            if key.lifetime_s is not None:
                pipe.zadd(self._key("key_ends"), {key.id: self._now_ms() + round(1000 * key.lifetime_s)})
            pipe.hset(self._key("keys"), key.id, key.model_dump_json())
            pipe.execute()
        self._await_replicas()

    @answered
    def api_key(self, key_id: str) -> KeptKey | None:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(self._key("keys"), key_id).zscore(self._key("key_ends"), key_id).time()
            text, ends_ms, (seconds, microseconds) = pipe.execute()
        return _kept(text, ends_ms, int(1000 * seconds + microseconds // 1000)) if text else None

    @answered
    def api_keys(self) -> list[KeptKey]:
        ends = dict(self._redis.zrange(self._key("key_ends"), 0, -1, withscores=True))
        keys, now_ms = self._redis.hgetall(self._key("keys")), self._now_ms()
        kept = [_kept(text, ends.get(key_id), now_ms) for key_id, text in keys.items()]
        return sorted(kept, key=lambda each: (each.key.created_ms, each.key.id))

    @answered
    def end_key(self, key_id: str, in_s: float = 0.0) -> bool:
        """Of two that end a key, the sooner end holds, whoever comes last."""
        if not self._redis.hexists(self._key("keys"), key_id):
            return False
        self._redis.zadd(self._key("key_ends"), {key_id: self._now_ms() + round(1000 * in_s)}, lt=True)
        self._await_replicas()
        return True

    @answered
    def quota(self, tenant: str) -> Quota | None:
        text = self._redis.hget(self._key("quotas"), tenant)
        return Quota.model_validate_json(text) if text else None

    @answered
    def quotas(self) -> dict[str, Quota]:
        found = self._redis.hgetall(self._key("quotas"))
        return {tenant: Quota.model_validate_json(found[tenant]) for tenant in sorted(found)}

    @answered
    def set_quota(self, tenant: str, quota: Quota) -> None:
        if quota.bounds_nothing:
            self._redis.hdel(self._key("quotas"), tenant)
        else:
            self._redis.hset(self._key("quotas"), tenant, quota.model_dump_json())


def _kept(text: str, ends_ms: float | None, now_ms: int) -> KeptKey:
    ends = None if ends_ms is None else int(ends_ms)
    return KeptKey(key=ApiKey.model_validate_json(text), ends_ms=ends, now_ms=now_ms)
