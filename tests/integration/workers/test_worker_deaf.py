"""A worker that lives and consumes nothing is of no use: it ends, to be started anew. A cut alone is no reason."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.records import JobState
from infra.settings import Settings
from tests.support.jobs import await_state, sent, state_of
from tests.support.nap import nap_in
from tests.support.sweeper import sweeping
from workers.upkeep.ending import BROKEN

Start = Callable[..., subprocess.Popen[str]]

WAIT_S = 60
#: The signal stops the main thread for good, as a read of a dead socket would; the other threads go on.
NAP = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))
def nap(input):
    time.sleep(input["seconds"])
    return {"slept": input["seconds"]}
"""


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    return {"specialists": json.dumps([str(nap_in(tmp_path, NAP))]), "silent_s": "2", "lease_s": "3"}


def send(ledger: RedisLedger, queue: CeleryQueue, run_id: str, seconds: float) -> str:
    (job_id,) = sent(ledger, queue, "nap", [{"seconds": seconds}], run_id)
    return job_id


def test_a_worker_that_consumes_no_more_ends_and_a_new_one_does_the_job(
    start_worker: Start, options: dict[str, str], ledger: RedisLedger, queue: CeleryQueue, settings: Settings
) -> None:
    deaf = start_worker("nap", **options)
    running = send(ledger, queue, "r1", seconds=5)
    await_state(ledger, running, JobState.RUNNING)
    (name,) = ledger.workers()
    with create_app(settings) as app:
        (answer,) = app.control.cancel_consumer("nap", destination=[name], reply=True, timeout=10)
    assert "ok" in answer[name]
    waiting = send(ledger, queue, "r2", seconds=0)

    assert deaf.wait(WAIT_S) == BROKEN

    assert state_of(ledger, running) is JobState.SUCCEEDED  # what it ran came to its end
    assert state_of(ledger, waiting) is JobState.SENT
    assert ledger.workers() == {}
    start_worker("nap", **options)
    await_state(ledger, waiting, JobState.SUCCEEDED)


def test_a_deaf_worker_is_started_again_by_its_supervisor(
    start_worker: Start, options: dict[str, str], ledger: RedisLedger, queue: CeleryQueue, settings: Settings
) -> None:
    supervisor = start_worker("nap", supervised=True, **options)
    await_state(ledger, send(ledger, queue, "r0", seconds=0), JobState.SUCCEEDED)  # it listens to remote control too
    (deaf,) = ledger.workers()
    with create_app(settings) as app:
        (answer,) = app.control.cancel_consumer("nap", destination=[deaf], reply=True, timeout=10)
    assert "ok" in answer[deaf]

    await_state(ledger, send(ledger, queue, "r1", seconds=0), JobState.SUCCEEDED)

    (heir,) = ledger.workers()
    assert heir != deaf
    supervisor.terminate()
    assert supervisor.wait(WAIT_S) == 0
    assert ledger.workers() == {}


def test_a_worker_whose_celery_hangs_hands_back_what_it_runs_and_ends_even_so(
    start_worker: Start, options: dict[str, str], ledger: RedisLedger, queue: CeleryQueue
) -> None:
    worker = start_worker("nap", **options | {"grace_s": "0.2"})
    running = send(ledger, queue, "r1", seconds=30)
    await_state(ledger, running, JobState.RUNNING)
    worker.send_signal(signal.SIGUSR1)
    for run_id in ("r2", "r3"):  # the read that hangs takes the first one with it
        send(ledger, queue, run_id, seconds=0)

    await_state(ledger, running, JobState.READY)
    assert worker.wait(WAIT_S) == BROKEN
    assert ledger.workers() == {}


def test_a_worker_whose_slots_are_all_taken_is_not_deaf(
    start_worker: Start, options: dict[str, str], ledger: RedisLedger, queue: CeleryQueue
) -> None:
    worker = start_worker("nap", slots="1", **options)
    first, second = send(ledger, queue, "r1", seconds=4), send(ledger, queue, "r2", seconds=0)
    await_state(ledger, first, JobState.SUCCEEDED)  # the second waited for longer than `silent_s`: no slot was free
    await_state(ledger, second, JobState.SUCCEEDED)
    assert worker.poll() is None


def test_a_worker_whose_every_connection_is_cut_goes_on_consuming(
    start_worker: Start, options: dict[str, str], ledger: RedisLedger, queue: CeleryQueue, redis_client: redis.Redis
) -> None:
    worker = start_worker("nap", **options | {"silent_s": "20"})
    before = send(ledger, queue, "r1", seconds=0)
    await_state(ledger, before, JobState.SUCCEEDED)

    killed = redis_client.client_kill_filter(_type="normal", skipme=True)
    killed += redis_client.client_kill_filter(_type="pubsub", skipme=True)
    assert killed >= 3  # the ledger's, the consumer's, remote control's

    after = send(ledger, queue, "r2", seconds=0)

    with sweeping(ledger, queue, silent_ms=3_000):  # a message sent to a link that was just cut may vanish
        await_state(ledger, after, JobState.SUCCEEDED)
    assert worker.poll() is None
