"""A worker dies in the middle of a job: the job still ends, once, on another worker."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import JobState
from infra.settings import Settings
from tests.support.eventually import eventually
from tests.support.jobs import await_ends, await_state, release
from tests.support.nap import nap_in
from tests.support.sweeper import sweeping


def test_a_job_whose_worker_is_killed_ends_once_on_the_other(
    start_worker: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    settings = Settings(redis_url=redis_url, visibility_timeout_s=5)
    ledger, queue = RedisLedger(redis_client, settings.prefix), CeleryQueue(create_app(settings))
    options = {"specialists": json.dumps([str(nap_in(tmp_path))]), "lease_s": "3", "visibility_timeout_s": "5"}
    workers = [start_worker("nap", **options) for _ in range(2)]

    with sweeping(ledger, queue):
        (job_id,) = release(ledger, "nap", [{"seconds": 4}])
        victim_name = await_state(ledger, job_id, JobState.RUNNING).worker
        (victim,) = [worker for worker in workers if f"nap-{worker.pid}@" in str(victim_name)]
        victim.kill()
        (status,) = await_ends(ledger, [job_id])
        assert status.state is JobState.SUCCEEDED
        assert status.attempt == 2
        assert status.worker != victim_name
        # The victim's message is delivered again after its time-out; it must find the job done, and be done itself.
        eventually(lambda: not (redis_client.hlen("mq:unacked") or redis_client.llen("mq:nap")), "no message is left")

    outcomes = ledger.outcomes("test", limit=10, wait_ms=0)
    assert [(outcome.job_id, outcome.output) for _, outcome in outcomes] == [(job_id, {"slept": 4})]
    queue.close()
