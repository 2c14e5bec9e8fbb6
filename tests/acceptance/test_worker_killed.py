"""A worker dies in the middle of a job: the job still ends, once, on another worker."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import Job, JobState, RunRecord
from infra.settings import Settings
from tests.support.eventually import eventually
from tests.support.jobs import await_job, await_state
from tests.support.sweeper import sweeping

NAP = """
import time
def nap(input):
    time.sleep(input["seconds"])
    return {"slept": input["seconds"]}
"""


def test_a_job_whose_worker_is_killed_ends_once_on_the_other(
    start_worker: Callable[..., subprocess.Popen[str]],
    write_specialist: Callable[..., Path],
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    manifest = 'engine = "function"\nfunction = "nap.py:nap"\n'
    number = {"type": "number"}
    folder = write_specialist("nap", manifest, {"seconds": number}, {"slept": number}, {"nap.py": NAP})
    settings = Settings(redis_url=redis_url, visibility_timeout_s=5)
    ledger, queue = RedisLedger(redis_client, settings.prefix), CeleryQueue(create_app(settings))
    options = {"specialists": json.dumps([str(folder)]), "lease_s": "3", "visibility_timeout_s": "5"}
    workers = [start_worker("nap", **options) for _ in range(2)]
    job = Job(id="r1.s1.0", type="nap", input={"seconds": 4}, run_id="r1", step_id="s1")

    with sweeping(ledger, queue):
        ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [job], [])
        victim_name = await_state(ledger, job.id, JobState.RUNNING).worker
        (victim,) = [worker for worker in workers if f"nap-{worker.pid}@" in str(victim_name)]
        victim.kill()
        status = await_job(ledger, job.id, lambda status: status.state.ended)
        assert status.state is JobState.SUCCEEDED
        assert status.attempt == 2
        assert status.worker != victim_name
        # The victim's message is delivered again after its time-out; it must find the job done, and be done itself.
        eventually(lambda: not (redis_client.hlen("mq:unacked") or redis_client.llen("mq:nap")), "no message is left")

    outcomes = ledger.outcomes("test", limit=10, wait_ms=0)
    assert [(outcome.job_id, outcome.output) for _, outcome in outcomes] == [(job.id, {"slept": 4})]
    queue.close()
