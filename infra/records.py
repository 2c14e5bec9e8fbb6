"""The records that cross processes: jobs, claims, outcomes, runs. Frozen, complete, JSON. Knows no plan, no model."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]


class Record(BaseModel):
    # Hidden: what a validation error quotes ends in logs, and the records of a job hold its words.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class JobState(StrEnum):
    PENDING = "pending"  #: known, its inputs not all there yet
    READY = "ready"  #: complete, waiting in the ledger
    SENT = "sent"  #: a message with its id is on the queue
    RUNNING = "running"  #: a worker holds its lease
    SUCCEEDED = "succeeded"  #: has an output
    FAILED = "failed"  #: has a failure
    CANCELLED = "cancelled"  #: its run was cancelled
    EXPIRED = "expired"  #: its deadline passed
    DEAD = "dead"  #: claimed as often as allowed and never committed

    @property
    def ended(self) -> bool:
        return self not in (JobState.PENDING, JobState.READY, JobState.SENT, JobState.RUNNING)


class Job(Record):
    """A step with its arguments filled in, addressed to a job type. Its id is `<run>.<step>.<index>`: releasing it
    twice creates it once."""

    id: str
    type: str
    input: Json
    run_id: str
    step_id: str
    index: int = 0  #: position in a mapped step; 0 otherwise
    attempts: int = 3  #: claims allowed
    timeout_s: float = 120.0  #: of one attempt
    deadline_ms: int | None = None  #: Unix time after which it is expired, not run
    trace: str | None = None  #: W3C traceparent of what made it; None: of no trace

    @staticmethod
    def name(run_id: str, step_id: str, index: int) -> str:
        return f"{run_id}.{step_id}.{index}"


class FailureKind(StrEnum):
    INVALID_INPUT = "invalid_input"  #: the input breaks the job type's schema
    INVALID_OUTPUT = "invalid_output"  #: the answer does not parse or breaks the output schema
    TOO_LONG = "too_long"  #: the prompt has more tokens than the manifest allows
    TIMEOUT = "timeout"  #: one attempt took longer than the manifest allows
    ENGINE = "engine"  #: the engine or the function raised
    EXPIRED = "expired"  #: the deadline passed before an answer
    CANCELLED = "cancelled"  #: the run was cancelled
    DEAD = "dead"  #: the last allowed attempt never committed
    PLAN = "plan"  #: no acceptable plan, or a reference without a value


class Failure(Record):
    kind: FailureKind
    message: str  #: for people; never quotes an input or an answer
    retryable: bool = False


class Provenance(Record):
    """What made an output, so that it can be made again."""

    worker: str
    specialist: str  #: "<name>@<version>"
    digest: str  #: sha256 of manifest, schemas, prompt and adapter
    engine: str
    base: str | None = None  #: "<name>@<sha256>"
    adapter: str | None = None  #: sha256


class Usage(Record):
    tokens_in: int = 0
    tokens_out: int = 0  #: sampled and forced
    forced: int = 0  #: of tokens_out, those that the grammar forced
    wait_ms: int = 0  #: from released to claimed
    run_ms: int = 0  #: from claimed to committed


class Outcome(Record):
    """How a job ended: an output, or a failure. Exactly one of the two is set."""

    job_id: str
    run_id: str
    step_id: str
    index: int
    state: JobState  #: an ended one
    attempt: int
    output: Json | None = None
    failure: Failure | None = None
    usage: Usage = Usage()
    provenance: Provenance | None = None


class Claim(Record):
    """The right to run one attempt at a job, until `lease_ms` after the last renewal."""

    job: Job
    token: str  #: fences the commit: a later claim makes this one stale
    attempt: int  #: 1 for the first
    wait_ms: int  #: from released to claimed


class Refusal(StrEnum):
    """Why a claim got nothing. The message that asked can be acknowledged in every case but RUNNING's own worker."""

    UNKNOWN = "unknown"  #: no such job
    ENDED = "ended"  #: succeeded, failed, cancelled, expired or dead before
    RUNNING = "running"  #: another claim's lease is alive
    EXPIRED = "expired"  #: ended just now: its deadline has passed
    DEAD = "dead"  #: ended just now: no attempts left


class JobStatus(Record):
    """What the ledger knows of a job."""

    job: Job
    state: JobState
    attempt: int  #: claims so far
    worker: str | None
    outcome: Outcome | None


class RunState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self is not RunState.RUNNING


class RunRecord(Record):
    """A run as the ledger keeps it. `body` is the coordinator's; the ledger does not look inside."""

    id: str
    version: int = Field(default=0, ge=0)  #: grows by one with each save
    state: RunState = RunState.RUNNING
    created_ms: int
    body: Json


class Event(Record):
    """One change of a run, as its watchers see it."""

    name: str  #: "run.accepted", "plan.accepted", "step.released", "job.ended", "run.ended", …
    data: Json


class StepResult(Record):
    """One output of a step, kept for the steps that refer to it."""

    step_id: str
    index: int
    output: Json
