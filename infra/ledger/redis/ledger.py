"""The ledger on Redis: records to arguments and back. Knows no rule: the rules are the scripts beside it."""

from __future__ import annotations

from typing import Self

from infra.ledger.redis.claims import RedisClaims
from infra.ledger.redis.client import answered, connect
from infra.ledger.redis.dead_letters import RedisDeadLetters
from infra.ledger.redis.job_types import RedisJobTypes
from infra.ledger.redis.jobs import RedisJobs
from infra.ledger.redis.keys import RedisKeys
from infra.ledger.redis.outcomes import RedisOutcomes
from infra.ledger.redis.quotas import RedisQuotas
from infra.ledger.redis.runs import RedisRuns
from infra.ledger.redis.saved_plans import RedisSavedPlans
from infra.ledger.redis.workers import RedisWorkers
from infra.settings import Settings


class RedisLedger(
    RedisRuns,
    RedisSavedPlans,
    RedisJobs,
    RedisOutcomes,
    RedisClaims,
    RedisWorkers,
    RedisJobTypes,
    RedisDeadLetters,
    RedisKeys,
    RedisQuotas,
):
    """Fulfils `infra.ledger.protocol.Ledger`; each part of the protocol has a file of its own."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(connect(settings), settings.prefix, retention_s=settings.retention_s, replicas=settings.replicas)

    @answered
    def ping(self) -> None:
        self._redis.ping()

    @answered
    def close(self) -> None:
        self._redis.close()
