"""Jobs in a ledger, as tests release them and see how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from infra.ledger.protocol import Ledger
from infra.queue.protocol import Queue
from infra.records import Job, JobState, JobStatus, Json, RunRecord
from tests.support.eventually import WITHIN_S, eventually


def release(ledger: Ledger, job_type: str, inputs: Sequence[Json], run_id: str = "r1", **fields: Any) -> list[str]:
    """A run of one job for each input; their ids."""
    of_run = {"type": job_type, "run_id": run_id, "step_id": "s1"} | fields
    jobs = [
        Job(id=Job.name(run_id, "s1", index), input=input, index=index, **of_run) for index, input in enumerate(inputs)
    ]
    ledger.create_run(RunRecord(id=run_id, created_ms=1, body={}), jobs, [])
    return [job.id for job in jobs]


def send_ready(ledger: Ledger, queue: Queue) -> None:
    """What a coordinator does once."""
    for job_type, job_id in ledger.take_ready(1_000):
        queue.send(job_type, job_id)


def sent(
    ledger: Ledger, queue: Queue, job_type: str, inputs: Sequence[Json], run_id: str = "r1", **fields: Any
) -> list[str]:
    """Released, and on the queue; their ids."""
    ids = release(ledger, job_type, inputs, run_id, **fields)
    send_ready(ledger, queue)
    return ids


def status_of(ledger: Ledger, job_id: str) -> JobStatus:
    status = ledger.job(job_id)
    assert status, f"the ledger knows no job {job_id}"
    return status


def state_of(ledger: Ledger, job_id: str) -> JobState:
    return status_of(ledger, job_id).state


def await_job(ledger: Ledger, job_id: str, holds: Callable[[JobStatus], bool], within_s: float = WITHIN_S) -> JobStatus:
    """The job's status as soon as `holds` is true of it. The job need not be there yet."""

    def look() -> JobStatus | None:
        status = ledger.job(job_id)
        return status if status and holds(status) else None

    return eventually(look, lambda: ledger.job(job_id), within_s)


def await_state(ledger: Ledger, job_id: str, state: JobState) -> JobStatus:
    return await_job(ledger, job_id, lambda status: status.state is state)


def await_ends(ledger: Ledger, job_ids: Sequence[str], within_s: float = WITHIN_S) -> list[JobStatus]:
    """How they are when all of them have ended."""
    return [await_job(ledger, job_id, lambda status: status.state.ended, within_s) for job_id in job_ids]
