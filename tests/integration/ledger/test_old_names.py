"""Records that were stored in Redis while a field had its old name: they are read, and do what they said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import redis

from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Claim, JobState, RunRecord
from tests.contracts.ledger.given import LEASE_MS, a_job

PLAN = {"steps": [{"id": "s1", "type": "triage", "args": {"text": "x"}}]}


def written_before(client: redis.Redis, key: str, text: str | None, put: Callable[[str], object]) -> None:
    """Exchange the new name for the old one in what is stored under a key."""
    assert text is not None
    assert '"claim_within_s"' in text, key
    put(text.replace('"claim_within_s"', '"queue_s"'))


def test_a_job_that_was_stored_before_is_claimed_and_expires(
    ledger: RedisLedger, redis_client: redis.Redis, settings: Any
) -> None:
    ledger.release([a_job(0, claim_within_s=50), a_job(1, claim_within_s=0.05)])
    for index in (0, 1):
        key = f"{settings.prefix}:job:{a_job(index).id}"
        written_before(redis_client, key, str(redis_client.get(key)), partial(redis_client.set, key))
    time.sleep(0.06)
    ledger.sweep(LEASE_MS)
    claim = ledger.claim(a_job(0).id, "w1", LEASE_MS)
    assert isinstance(claim, Claim)
    assert claim.job.claim_within_s == 50
    late = ledger.job(a_job(1).id)
    assert late
    assert (late.state, late.job.claim_within_s) == (JobState.EXPIRED, 0.05)


def test_a_run_that_was_stored_before_is_loaded_with_its_limit(
    ledger: RedisLedger, redis_client: redis.Redis, settings: Any, deploy: Callable[..., Any]
) -> None:
    goals = Goals(ledger, deploy(ledger).catalog, settings)
    run = goals.accept(Goal(plan=PLAN, limits={"claim_within_s": 50}))
    key = f"{settings.prefix}:run:{run.id}"
    stored = redis_client.hget(key, "record")
    written_before(redis_client, key, str(stored), lambda text: redis_client.hset(key, "record", text))
    assert goals.load(run.id).plan.limits.claim_within_s == 50
    goals.cancel(run.id)
    saved = RunRecord.model_validate_json(str(redis_client.hget(key, "record")))
    assert "queue_s" not in json.dumps(saved.body)
