"""The records that cross processes: jobs, claims, outcomes, runs. Frozen, complete, JSON. Knows no plan, no model."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from infra.field_names import CLAIM_WITHIN_S

Json = dict[str, Any]


class Record(BaseModel):
    # Errors hide their input, because validation errors are logged and a job's records hold its words.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


#: The tenant of a caller that names none.
NOBODY = "default"

#: The most values of a label that a job may ask for with their probabilities.
MOST_TOLD = 20


def _unsaid(value: object) -> bool:
    return value is None


#: How many values of each label a job is to tell with their probabilities; None: none. A record that asks for none is
#: written without the field, as before there was one: its bytes and its fingerprint stay the same.
Top = Annotated[int | None, Field(ge=1, le=MOST_TOLD, exclude_if=_unsaid)]


class JobState(StrEnum):
    PENDING = "pending"  #: it waits in the ledger for the time of its next attempt, or for a job that asks the same
    READY = "ready"  #: complete, waiting in the ledger
    SENT = "sent"  #: a message with its id is on the queue
    RUNNING = "running"  #: a worker holds its lease
    SUCCEEDED = "succeeded"  #: has an output
    FAILED = "failed"  #: has a failure
    CANCELLED = "cancelled"  #: it or its run was cancelled
    EXPIRED = "expired"  #: it was not claimed in time, or not answered before its deadline
    DEAD = "dead"  #: it was claimed as often as allowed, and never committed

    @property
    def ended(self) -> bool:
        return self not in (JobState.PENDING, JobState.READY, JobState.SENT, JobState.RUNNING)


class Priority(StrEnum):
    """A class of jobs in the backlog of their type. A job that waits long enough ranks a class higher, and so on."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """The class of rank 0 is served first."""
        return list(Priority).index(self)


class Reuse(Record):
    """How a job may share the outcome of another job that asks the same."""

    key: str  #: sha256 of tenant, specialist's digest, canonical input, and how many values of each label are told
    digest: str  #: the specialist's; an outcome of another specialist is not kept under the key
    unique: bool = False  #: while one job of the key has not ended, others wait for its output
    cache_s: int | None = None  #: how long an output is kept to answer jobs that ask the same; None: it is not kept
    fresh: bool = False  #: the job is done anew: no kept output answers it, and its own output replaces the kept one


class Job(Record, validate_by_name=True):
    """A step with its arguments filled in, addressed to a job type. Its id is `<run>.<step>.<index>`, and a fallback's
    job has `.<job type>` behind that. Releasing a job twice creates it once."""

    id: str
    type: str
    input: Json
    run_id: str
    step_id: str
    index: int = 0  #: position in a mapped step; 0 otherwise
    attempts: int = 3  #: how many claims are allowed
    timeout_s: float = 120.0  #: for one attempt
    deadline_ms: int | None = None  #: Unix time after which it is expired, not run
    #: it expires unless it is claimed within this time after it was first ready; None: it may wait for ever
    claim_within_s: float | None = Field(default=None, validation_alias=CLAIM_WITHIN_S)
    tenant: str = NOBODY
    tags: tuple[str, ...] = ()  #: those of its run
    priority: Priority = Priority.NORMAL
    tokens: int = Field(default=1, gt=0)  #: its estimated cost; tenants share a backlog by tokens
    reuse: Reuse | None = None
    round: int = 0  #: of its run; it grows each time that an ended run is taken up again
    trace: str | None = None  #: W3C traceparent of the span that made the job; None: it belongs to no trace
    schemas: str | None = None  #: the `Specialist.schemas` that its worker's specialist must have; None: any
    top: Top = None  #: the outcome tells so many values of each label with their probabilities

    @staticmethod
    def name(run_id: str, step_id: str, index: int, fallback: str | None = None) -> str:
        """`fallback`: the job type that is asked because the first one was too unsure of its output."""
        return f"{run_id}.{step_id}.{index}" + (f".{fallback}" if fallback else "")

    @property
    def of_fallback(self) -> bool:
        return self.id != self.name(self.run_id, self.step_id, self.index)


def strayed_line(job_type: str, schemas: str) -> str:
    """The name of the line and the queue of jobs that were offered to a worker with other schemas: see `claim`."""
    return f"{job_type}.{schemas[:12]}"


class FailureKind(StrEnum):
    INVALID_INPUT = "invalid_input"  #: the input breaks the job type's schema
    INVALID_OUTPUT = "invalid_output"  #: the answer does not parse or breaks the output schema
    TOO_LONG = "too_long"  #: the prompt has more tokens than the manifest allows
    TIMEOUT = "timeout"  #: one attempt took longer than the manifest allows
    ENGINE = "engine"  #: the engine or the function raised
    EXPIRED = "expired"  #: the deadline passed before an answer
    CANCELLED = "cancelled"  #: the job or its run was cancelled
    DEAD = "dead"  #: the last allowed attempt never committed
    PLAN = "plan"  #: no acceptable plan, or a reference without a value


class Cause(StrEnum):
    """Why a job is among the dead letters."""

    POISON = "poison"  #: claimed as often as allowed, and no worker lived to answer
    FAILED = "failed"  #: answered with a failure, on its last attempt or one that is not tried again
    UNPROCESSABLE = "unprocessable"  #: no worker can do it: its input breaks the schema, or is too long

    @staticmethod
    def of(kind: FailureKind) -> Cause | None:
        """None means that the job is no dead letter: it ended as somebody wanted, or it ran out of time."""
        return _CAUSES.get(kind, Cause.FAILED)


_CAUSES: dict[FailureKind, Cause | None] = {
    FailureKind.INVALID_INPUT: Cause.UNPROCESSABLE,
    FailureKind.TOO_LONG: Cause.UNPROCESSABLE,
    FailureKind.DEAD: Cause.POISON,
    FailureKind.EXPIRED: None,
    FailureKind.CANCELLED: None,
}


class Failure(Record):
    kind: FailureKind
    message: str  #: for people; never quotes an input or an answer
    retryable: bool = False


class Provenance(Record):
    """What made an output, so that the output can be made again."""

    worker: str
    specialist: str  #: "<name>@<version>"
    digest: str  #: sha256 of manifest, schemas, prompt and adapter
    engine: str
    base: str | None = None  #: "<name>@<sha256>"
    adapter: str | None = None  #: sha256
    precision: str | None = None  #: the numbers it was computed in: "bf16", "int8", "q8_0", …; None: by no model
    engine_version: str | None = None  #: of its libraries: "transformers 5.23.0, torch 2.13.0"; None: it has none
    seed: int | None = None  #: of random draws; None: nothing was drawn, the likeliest token was taken each time
    #: Whether the model was ever trained for its job type; otherwise the output is a guess. It is left out where it is
    #: true, so that a coordinator of an earlier version reads the outcomes of trained models.
    trained: bool = Field(default=True, exclude_if=bool)


class Usage(Record):
    tokens_in: int = 0
    tokens_out: int = 0  #: sampled and forced
    forced: int = 0  #: how many of tokens_out the grammar forced
    reused: int = 0  #: how many of tokens_in were computed for an earlier prompt
    cut: int = 0  #: characters of the input that were cut off as the manifest says, and not shown to the model
    wait_ms: int = 0  #: from its release to its claim
    run_ms: int = 0  #: from its claim to its commit


class Alternative(Record):
    """A value that a label may have."""

    value: Any
    probability: float


class Outcome(Record):
    """How a job ended: an output, or a failure. Exactly one of the two is set."""

    job_id: str
    run_id: str
    step_id: str
    index: int
    state: JobState  #: one in which a job has ended
    attempt: int
    output: Json | None = None
    failure: Failure | None = None
    usage: Usage = Usage()
    provenance: Provenance | None = None
    confidence: float | None = None  #: how likely the output is right, 0 to 1; None: its engine does not say
    round: int = 0  #: the round of the job
    same_as: str | None = None  #: the other job that asked the same, and whose output this is
    #: the likeliest values of each label of the output, the likeliest first; None: they were not asked for
    alternatives: dict[str, tuple[Alternative, ...]] | None = Field(default=None, exclude_if=_unsaid)

    @property
    def of_fallback(self) -> bool:
        return self.job_id != Job.name(self.run_id, self.step_id, self.index)


#: The fields that an outcome shares with the outcomes of other jobs that asked the same.
SHARED = {"output", "provenance", "confidence", "alternatives"}


class Claim(Record):
    """The right to run one attempt at a job, until `lease_ms` after the last renewal."""

    job: Job
    token: str  #: fences the commit: a later claim makes this one stale
    attempt: int  #: 1 for the first
    wait_ms: int  #: from its release to this claim
    lost: int = 0  #: earlier claims of the job whose lease ran out: the worker died or was cut off without an answer


#: One message of the queue: a job type, then the ids of ready jobs of that type. With more than one id it is a bundle.
Message = tuple[str, ...]


class Refusal(StrEnum):
    """Why a claim got nothing. Workers acknowledge the message in each case; the sweep sends it again where needed."""

    UNKNOWN = "unknown"  #: no such job
    ENDED = "ended"  #: succeeded, failed, cancelled, expired or dead before
    RUNNING = "running"  #: another claim's lease is alive
    EXPIRED = "expired"  #: ended just now: its deadline has passed
    DEAD = "dead"  #: ended just now: no attempts left
    PAUSED = "paused"  #: its type is paused, or it is pending: it is put on the queue again when its time comes
    ALONE = "alone"  #: it was named together with others, and has a message of its own, or gets one
    OTHER_SCHEMAS = "other_schemas"  #: it was made for other schemas than the worker's; workers with these get it


class Commit(NamedTuple):
    """What came of a claim."""

    outcome: Outcome
    token: str  #: of the claim
    retry_ms: int | None = None  #: a failure is tried again after this time; None: it is not


class JobStatus(Record):
    """What the ledger knows of a job."""

    job: Job
    state: JobState
    attempt: int  #: claims so far
    worker: str | None
    outcome: Outcome | None


class DeadLetter(Record):
    """A job that ended without an output, kept for somebody to look at, run again or purge."""

    job_id: str
    type: str
    cause: Cause
    at_ms: int  #: Unix time at which it ended
    failure: Failure
    attempt: int
    tenant: str = NOBODY
    tags: tuple[str, ...] = ()


class TypeState(StrEnum):
    """Whether jobs of a type are accepted, and whether they are done."""

    OPEN = "open"
    PAUSED = "paused"  #: jobs are accepted, and wait until the type is open again; running jobs finish
    DRAINING = "draining"  #: jobs that exist are done, and no new ones are accepted


class Load(Record):
    """What waits of one job type, and how fast it is done."""

    state: TypeState = TypeState.OPEN
    ready: dict[Priority, dict[str, int]] = {}  #: jobs that wait in the ledger, by class and tenant
    sent: int = 0  #: jobs that wait on the queue
    running: int = 0
    pending: int = 0  #: jobs that wait for their next attempt, or for another that asks the same
    tokens: int = 0  #: estimated tokens (`Job.tokens`) of the ready and the sent jobs
    tokens_per_s: float | None = None  #: done in about the last half minute in which jobs waited; None: not known

    @property
    def jobs(self) -> int:
        """The number of jobs that a worker could do now."""
        return self.sent + sum(sum(tenants.values()) for tenants in self.ready.values())


class Idempotency(Record):
    """A caller's key for one request, so that sending the request again does not do it again."""

    key: str  #: the caller's key, with the tenant in it
    fingerprint: str  #: of the request
    keep_s: int  #: how long a repeat of the request is recognised


class Prior(Record):
    """What an idempotency key was used for before."""

    run_id: str
    fingerprint: str


class Saving(StrEnum):
    """What came of saving a plan under a name."""

    NEW = "new"  #: no plan had the name
    REPLACED = "replaced"  #: it took the place of the plan that had the name
    FULL = "full"  #: nothing was saved: the tenant has as many plans as it may have


class RunState(StrEnum):
    RUNNING = "running"  #: it has jobs that have not ended, or its outcomes are being counted
    UNSURE = "unsure"  #: it has plans and no jobs: its caller is to confirm one of the plans, or to send another
    SUCCEEDED = "succeeded"  #: it has a result
    FAILED = "failed"  #: it has a failure
    REFUSED = "refused"  #: no plan can do what its goal asks; its reason says what is missing
    CANCELLED = "cancelled"  #: somebody ended it

    @property
    def ended(self) -> bool:
        return self not in (RunState.RUNNING, RunState.UNSURE)


class RunRecord(Record):
    """A run as the ledger keeps it. `body` is the coordinator's; the ledger does not look inside."""

    id: str
    version: int = Field(default=0, ge=0)  #: grows by one with each save
    state: RunState = RunState.RUNNING
    created_ms: int
    waits_until_ms: int | None = None  #: Unix time at which an unsure run has waited too long; None: it is not unsure
    lists: tuple[str, ...] = ()  #: names without blanks of lists that the run is in
    body: Json

    @property
    def in_lists(self) -> tuple[str, ...]:
        """All lists that the run is in, beside the list of all runs."""
        return (state_list(self.state), *self.lists)


def state_list(state: RunState) -> str:
    return f"state:{state}"


class Event(Record):
    """One change of a run, as its watchers see it."""

    name: str  #: "run.accepted", "run.unsure", "plan.accepted", "step.released", "job.fallback", "job.ended", …
    data: Json


class StepResult(Record):
    """One output of a step, kept for the steps that refer to it."""

    step_id: str
    index: int
    output: Json
