"""A job that kills every worker it comes to: it ends as a dead letter, and all the others as if it had not been."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import Cause, FailureKind, JobState
from infra.settings import Settings
from tests.support.jobs import await_ends, release
from tests.support.sweeper import sweeping

ATTEMPTS = 3
POISON = 13
WORK = f"""
import os, signal, time
def work(input):
    if input["n"] == {POISON}:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return {{"n": input["n"]}}
"""


def test_a_poison_job_is_dead_after_its_attempts_and_the_others_are_unharmed(
    start_worker: Callable[..., subprocess.Popen[str]],
    write_specialist: Callable[..., Path],
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    number = {"n": {"type": "integer"}}
    folder = write_specialist(
        "work", 'engine = "function"\nfunction = "work.py:work"\n', number, number, {"work.py": WORK}
    )
    settings = Settings(redis_url=redis_url)
    ledger, queue = RedisLedger(redis_client, settings.prefix), CeleryQueue(create_app(settings))
    inputs = [{"n": n} for n in range(60)]
    for _ in range(2):
        start_worker("work", supervised=True, specialists=json.dumps([str(folder)]), lease_s="1")

    with sweeping(ledger, queue, silent_ms=1_000):
        statuses = await_ends(ledger, release(ledger, "work", inputs, attempts=ATTEMPTS))

    poison = statuses.pop(POISON)
    assert (poison.state, poison.attempt) == (JobState.DEAD, ATTEMPTS)
    assert poison.outcome
    assert poison.outcome.failure
    assert poison.outcome.failure.kind is FailureKind.DEAD
    assert [(letter.job_id, letter.cause) for letter in ledger.dead_letters()] == [(poison.job.id, Cause.POISON)]
    assert {status.state for status in statuses} == {JobState.SUCCEEDED}
    outputs = [status.outcome.output for status in statuses if status.outcome]
    assert outputs == [input for input in inputs if input["n"] != POISON]
    queue.close()
