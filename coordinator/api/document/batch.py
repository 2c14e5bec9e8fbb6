"""Batches of jobs: what is sent, and what came of each job."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from coordinator.api.document.problem import ProblemDetails
from coordinator.api.document.shape import Described, Shape
from coordinator.goals.batches import MOST_JOBS
from coordinator.goals.request import JobRequest
from infra.records import Json, Record


class JobBatch(Record):
    """Many jobs in one request. Each is accepted or refused by itself."""

    jobs: list[Annotated[Any, Described(JobRequest)]] = Field(
        min_length=1, max_length=MOST_JOBS, description="The jobs, each as `POST /v1/jobs` takes it."
    )


class BatchItem(Shape):
    """What came of one job of a batch: an id, or an error."""

    status: int
    """The status that `POST /v1/jobs` would have had: 202 if the job is new; 200 if an earlier request with the same
    idempotency key has made it."""
    id: str | None
    """The id of the job. It is null if the job was refused."""
    error: ProblemDetails | None
    """Why the job was refused."""
    retry_after_s: int | None
    """Seconds after which the same batch may be sent again for this job. It is null if that does not help."""


class BatchOutcome(Shape):
    """What came of a batch of jobs."""

    accepted: int
    """The number of jobs that are in the ledger now."""
    refused: int
    items: list[BatchItem]
    """One for each job, in the order of the jobs in the request."""


BatchBody = Annotated[Json, Described(BatchOutcome)]
