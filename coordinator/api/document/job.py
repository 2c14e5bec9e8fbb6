"""Jobs and dead letters, as the HTTP API shows them."""

from __future__ import annotations

from typing import Annotated, Any

from coordinator.api.document.goal import UnservedType
from coordinator.api.document.shape import Described, Shape
from infra.records import Cause, FailureKind, JobState, Json, Priority


class JobFailure(Shape):
    """Why a job ended without an output."""

    kind: FailureKind
    message: str
    """A sentence for people. It never quotes an input or an answer."""
    retryable: bool
    """Whether another attempt may succeed."""


class JobUsage(Shape):
    """The tokens and the time that a job took."""

    tokens_in: int
    tokens_out: int
    """Tokens of the answer, those that the grammar forced included."""
    forced: int
    """The tokens of the answer that the grammar forced."""
    reused: int
    """The tokens of the prompt that were computed for an earlier prompt."""
    cut: int
    """Characters of the input that were cut off because the prompt was too long."""
    wait_ms: int
    """Milliseconds from the release of the job until a worker claimed it."""
    run_ms: int
    """Milliseconds from the claim until the outcome was committed."""


class JobProvenance(Shape):
    """The origin of an output, with everything that is needed to make it again."""

    worker: str
    specialist: str
    """Name and version, such as `triage@1.0.0`."""
    digest: str
    """The SHA-256 of the specialist's manifest, schemas, prompt and adapter."""
    engine: str
    base: str | None
    """The base model with the SHA-256 of its weights."""
    adapter: str | None
    """The SHA-256 of the adapter."""
    precision: str | None
    """The number format of the computation, such as `bf16`."""
    engine_version: str | None
    seed: int | None
    """The seed of the sampling. It is null if nothing was sampled."""
    trained: bool
    """Whether the model was ever trained for its job type. Otherwise the output is a guess."""


class FallbackJob(Shape):
    """The job of the fallback that was asked because the first output was too uncertain."""

    id: str
    type: str
    state: JobState
    first_confidence: float | None
    """The confidence of the first output."""


class Alternative(Shape):
    """A value that a label may have."""

    value: Any
    probability: float


class JobStatus(Shape):
    """A job, with the outcome that counts: its own, or that of its fallback."""

    id: str
    type: str
    state: JobState
    tenant: str
    tags: list[str]
    """The tags of its goal, or those that it was sent with."""
    priority: Priority
    deadline_ms: int | None
    """Unix time in milliseconds after which the job expires."""
    attempt: int
    """How often a worker has claimed the job."""
    worker: str | None
    """The worker that claimed the job last."""
    unserved: UnservedType | None
    """Its type, if no worker has had it and no live worker serves the type in the version that it was made for."""
    fallback: FallbackJob | None
    same_as: str | None
    """The id of the job whose output this is, if another job asked the same."""
    output: Json | None
    confidence: float | None
    """The probability, from 0 to 1, that the output is right, if the engine tells it."""
    alternatives: dict[str, list[Alternative]] | None
    """The likeliest values of each label of the output, the likeliest first, if the job asked for `top` of them. The
    value that the output has is among them. The probabilities of one label sum to 1 at most."""
    failure: JobFailure | None
    usage: JobUsage | None
    provenance: JobProvenance | None


class DeadLetter(Shape):
    """A dead letter: a job that ended without an output and is kept for somebody to look at."""

    job_id: str
    type: str
    cause: Cause
    at_ms: int
    """Unix time in milliseconds at which the job ended."""
    failure: JobFailure
    attempt: int
    tenant: str
    tags: list[str]


class DeadLetterWithInput(JobStatus):
    """A dead letter with the input of its job."""

    cause: Cause
    input: Json


class PurgedLetters(Shape):
    """The number of dead letters that were deleted."""

    purged: int


JobBody = Annotated[Json, Described(JobStatus)]
LetterBody = Annotated[Json, Described(DeadLetter)]
WholeLetterBody = Annotated[Json, Described(DeadLetterWithInput)]
PurgedBody = Annotated[Json, Described(PurgedLetters)]
