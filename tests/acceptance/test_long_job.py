"""A job that takes longer than Celery's visibility time-out and than its lease: its worker lives, so it runs once."""

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
from tests.support.jobs import await_ends, release
from tests.support.nap import nap_in
from tests.support.sweeper import sweeping

WAIT_S = 60
#: Each run of it leaves a line behind.
NAP = """
import pathlib, time
def nap(input):
    with pathlib.Path(__file__).with_name("runs").open("a") as runs:
        print("run", file=runs)
    time.sleep(input["seconds"])
    return {"slept": input["seconds"]}
"""


def test_a_job_longer_than_the_visibility_timeout_runs_once(
    start_worker: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    folder = nap_in(tmp_path, NAP)
    settings = Settings(redis_url=redis_url, visibility_timeout_s=5)
    ledger, queue = RedisLedger(redis_client, settings.prefix), CeleryQueue(create_app(settings))
    options = {"specialists": json.dumps([str(folder)]), "lease_s": "3", "visibility_timeout_s": "5"}
    workers = [start_worker("nap", **options) for _ in range(2)]

    with sweeping(ledger, queue):
        (status,) = await_ends(ledger, release(ledger, "nap", [{"seconds": 12}]))

    assert (status.state, status.attempt) == (JobState.SUCCEEDED, 1)
    assert (folder / "runs").read_text() == "run\n"
    for worker in workers:
        worker.terminate()
        assert "claim refused" not in worker.communicate(timeout=WAIT_S)[1], "its message was delivered again"
    assert redis_client.hlen("mq:unacked") == 0
    queue.close()
