"""Saved plans on Redis."""

from __future__ import annotations

from pydantic_core import from_json

from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, compact
from infra.records import Json, Saving


class RedisSavedPlans(RedisStore):
    @answered
    def save_plan(self, tenant: str, name: str, plan: Json, most: int) -> Saving:
        saving = Saving(self._run("save_plan", tenant, name, compact(plan), most))
        self._await_replicas()
        return saving

    @answered
    def saved_plan(self, tenant: str, name: str) -> Json | None:
        plan = self._redis.hget(self._key("plans", tenant), name)
        return from_json(plan) if plan else None

    @answered
    def saved_plans(self, tenant: str) -> dict[str, Json]:
        plans = self._redis.hgetall(self._key("plans", tenant))
        return {name: from_json(plans[name]) for name in sorted(plans)}

    @answered
    def delete_plan(self, tenant: str, name: str) -> bool:
        return bool(self._redis.hdel(self._key("plans", tenant), name))
