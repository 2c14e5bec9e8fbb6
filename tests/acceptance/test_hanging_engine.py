"""An engine that hangs, in its own thread or with the whole interpreter: its worker is killed and started again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue
from infra.records import Cause, JobState
from tests.support.jobs import await_ends, release
from tests.support.sweeper import sweeping
from workers.engines.function import FunctionEngine

#: What the function does, how many jobs of it make the engine hang, and how often each may be tried.
HANGS = {
    "threads": ("threading.Event().wait()", FunctionEngine.threads, 1),
    # These two never let go of the interpreter's lock, so that no thread of the worker's own can notice.
    "interpreter": ("ctypes.PyDLL(None).sleep(3600)", 1, 2),
    "regular expression": ('re.fullmatch("(a|aa)+b", "a" * 99)', 1, 2),
}
WORK = """
import ctypes, re, threading, time
def work(input):
    if input["hang"]:
        {hang}
    time.sleep(0.05)
    return {{"hang": False}}
"""
MANIFEST = 'engine = "function"\nfunction = "work.py:work"\n'


@pytest.mark.parametrize("hang", HANGS)
def test_a_hanging_engine_is_started_again_and_its_other_jobs_are_done(
    start_worker: Callable[..., subprocess.Popen[str]],
    write_specialist: Callable[..., Path],
    ledger: RedisLedger,
    queue: CeleryQueue,
    hang: str,
) -> None:
    code, count, attempts = HANGS[hang]
    flag = {"hang": {"type": "boolean"}}
    folder = write_specialist("work", MANIFEST, flag, flag, {"work.py": WORK.format(hang=code)})
    options = {"specialists": json.dumps([str(folder)]), "lease_s": "2", "stall_s": "2", "grace_s": "2"}
    start_worker("work", supervised=True, **options)
    with sweeping(ledger, queue, silent_ms=2_000):
        hanging = release(ledger, "work", [{"hang": True}] * count, "r1", attempts=attempts, timeout_s=1.0)
        others = release(ledger, "work", [{"hang": False}] * 20, "r2")
        statuses = await_ends(ledger, hanging)
        assert {status.state for status in await_ends(ledger, others)} == {JobState.SUCCEEDED}

    assert {(status.state, status.attempt) for status in statuses} == {(JobState.DEAD, attempts)}
    letters = {(letter.job_id, letter.cause) for letter in ledger.dead_letters()}
    assert letters == {(job_id, Cause.POISON) for job_id in hanging}
