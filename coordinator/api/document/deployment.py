"""Job types, specialists and workers, as the HTTP API shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from coordinator.api.document.shape import Described, Shape
from infra.records import Json, TypeState


class JobType(Shape):
    """A job type: what it takes and what it gives."""

    name: str
    version: str
    description: str
    trained: bool
    """Whether its model was ever trained for it. Otherwise its outputs are guesses. True if it has no model."""
    state: TypeState
    input_schema: Json
    """The JSON Schema of a job's input."""
    output_schema: Json
    """The JSON Schema of a job's output."""


class PriorityCounts(Shape):
    """Numbers of jobs by priority."""

    high: int
    normal: int
    low: int


class JobTypeLoad(Shape):
    """How many jobs of a type wait, and how long another one would wait."""

    state: TypeState
    ready: PriorityCounts
    """The waiting jobs of all tenants."""
    own: PriorityCounts
    """The waiting jobs of the tenant that asks."""
    sent: int
    """Jobs that are on the queue."""
    tokens: int
    """The estimated cost of all waiting jobs."""
    tokens_per_s: float | None
    """The measured speed. It is null if nothing was measured lately."""
    predicted_wait_s: float | None
    """Seconds that another job of the given priority would wait. It is null if the speed is not known."""


class ModelBase(Shape):
    """A base model."""

    name: str
    sha256: str | None
    """The SHA-256 of the weights."""
    tuned: bool
    """Whether the weights themselves were trained for the job type, so that it needs no adapter."""


class Adapter(Shape):
    """A LoRA adapter."""

    sha256: str
    rank: int
    alpha: int


class Decoding(Shape):
    """How answers are decoded."""

    format: str
    """The format in which the model writes its answer."""
    max_tokens: int | None


class SpecialistLimits(Shape):
    """The limits of a specialist's jobs."""

    input_tokens: int
    """The most tokens of a prompt."""
    cut: str | None
    """The input field that is cut when the prompt is too long. It is null if such a prompt is refused."""
    timeout_s: float
    """Seconds for one attempt."""
    attempts: int
    """How often a job may be claimed."""
    claim_within_s: float | None
    """Seconds within which a worker must claim a job that is ready."""
    backlog: int | None
    """The most jobs that may wait. If it is null, the deployment's bound holds."""


class Specialist(Shape):
    """A specialist: the model or function that does the jobs of one type."""

    name: str
    version: str
    trained: bool
    """Whether the model was trained for its job type. It is true for a function."""
    notices: list[str]
    """What was added to the folder's schemas, because its manifest says `bounds = "default"`."""
    engine: str
    base: ModelBase | None
    adapter: Adapter | None
    decoding: Decoding | None
    limits: SpecialistLimits
    digest: str
    """The SHA-256 of the specialist's manifest, schemas, prompt and adapter."""


class Worker(Shape):
    """A live worker, as it describes itself. A worker of another version may have fewer fields, or more."""

    model_config = ConfigDict(extra="allow")

    serves: dict[str, str] = Field(default={})
    """The version of each specialist that it serves."""
    schemas: dict[str, str] = Field(default={})
    """The SHA-256 of the input and output schemas of each specialist."""
    untrained: list[str] = Field(default=[])
    """The specialists among them whose models were never trained for their job types."""
    digests: dict[str, str] = Field(default={})
    """The first 12 digits of each specialist's digest."""
    bases: list[str] = Field(default=[])
    engines: list[str] = Field(default=[])
    devices: list[str] = Field(default=[])
    slots: int = 1
    """Jobs that it can run at a time."""
    bundles: bool = False
    """Whether it takes messages that name several jobs."""
    running: int = 0
    """Jobs that it runs now. Bundles may be more than it has slots."""
    done: int = 0
    """Jobs that it has done since it started."""
    tokens_per_s: float | None = None
    """Its speed, as it was measured when it started."""
    memory_bytes: int | None = None
    started_ms: int = 0
    """Unix time in milliseconds."""
    host: str = ""
    pid: int = 0


class TypeDepths(Shape):
    """Numbers of jobs of one type by state, and of its dead letters by cause."""

    pending: int
    ready: int
    sent: int
    running: int
    oldest_ms: int
    """Milliseconds for which the oldest job has waited."""
    poison: int
    failed: int
    unprocessable: int


class Workers(Shape):
    """The live workers, and the jobs that wait for them."""

    workers: dict[str, Worker]
    """The workers by name."""
    depths: dict[str, TypeDepths]
    """Numbers of jobs by job type."""


class Health(Shape):
    """The health of the process: that it answers."""

    status: Literal["ok"]


JobTypeBody = Annotated[Json, Described(JobType)]
LoadBody = Annotated[Json, Described(JobTypeLoad)]
SpecialistBody = Annotated[Json, Described(Specialist)]
WorkersBody = Annotated[Json, Described(Workers)]
HealthBody = Annotated[Json, Described(Health)]
