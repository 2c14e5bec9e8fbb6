"""What a coordinator does for jobs, without one: send what is ready, and send again what fell silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from infra.ledger.protocol import Ledger
from infra.queue.protocol import Queue
from infra.records import Job, JobStatus, Json, RunRecord

WAIT_S = 60


@contextmanager
def sweeping(ledger: Ledger, queue: Queue, silent_ms: int = 20_000) -> Iterator[None]:
    ended = threading.Event()

    def sweep() -> None:
        while not ended.wait(0.2):
            for job_type, job_id in [*ledger.sweep(silent_ms), *ledger.take_ready(100)]:
                queue.send(job_type, job_id)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        yield
    finally:
        ended.set()
        sweeper.join()


def release(ledger: Ledger, job_type: str, inputs: Sequence[Json], run_id: str = "r1", **fields: Any) -> list[str]:
    """A run of one job for each input; their ids."""
    of_run = {"type": job_type, "run_id": run_id, "step_id": "s1"} | fields
    jobs = [
        Job(id=Job.name(run_id, "s1", index), input=input, index=index, **of_run) for index, input in enumerate(inputs)
    ]
    ledger.create_run(RunRecord(id=run_id, created_ms=1, body={}), jobs, [])
    return [job.id for job in jobs]


def look_until(ledger: Ledger, job_id: str, holds: Callable[[JobStatus], bool], wait_s: float = WAIT_S) -> JobStatus:
    until = time.monotonic() + wait_s
    while not (status := ledger.job(job_id)) or not holds(status):
        assert time.monotonic() < until, status
        time.sleep(0.05)
    return status


def ended(ledger: Ledger, job_ids: Sequence[str], wait_s: float = WAIT_S) -> list[JobStatus]:
    """How they are when all of them have ended."""
    return [look_until(ledger, job_id, lambda status: status.state.ended, wait_s) for job_id in job_ids]
