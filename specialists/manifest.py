"""A specialist's manifest: what `specialist.toml` may say. Knows nothing of files beside it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infra.field_names import CLAIM_WITHIN_S
from infra.plugins import ENGINES, plugins
from infra.records import FailureKind
from specialists.confidence import Calibration
from specialists.metric_rule import MetricRule

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelEngine = Literal["transformers", "llama.cpp", "vllm"]  #: the engines that host a model


#: ... and the others that ship; installed packages may register more.
OTHER_ENGINES = ("planner", "function", "scripted", "ray")

CONFIDENT = ("transformers",)  #: the engines whose outputs have a confidence

LONGEST_ANSWER = 4096  #: tokens


def _known_engine(name: str) -> str:
    own = [*get_args(ModelEngine), *OTHER_ENGINES]
    if name not in own and name not in (others := plugins(ENGINES)):
        raise ValueError(f"unknown engine {name!r}; known: {', '.join(sorted([*own, *others]))}")
    return name


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseRef(_Record):
    name: str  #: a key of `specialists.bases.weights.BASES`, a local folder, or a hub id
    sha256: Digest | None = None  #: of a named base's weights; checked before they load
    tuned: bool = False  #: the weights themselves were trained for this job type: it needs no adapter


class AdapterRef(_Record):
    sha256: Digest  #: of `adapter.safetensors`
    rank: int = Field(gt=0, le=256)
    alpha: int = Field(gt=0)


class Decoding(_Record):
    format: str = "json"  #: how the answer is written: see `specialists.formats`
    #: of one answer; None: as many as the longest that the output schema allows has bytes, which are no fewer
    max_tokens: int | None = Field(default=None, gt=0, le=LONGEST_ANSWER)


class Limits(_Record, validate_by_name=True):
    input_tokens: int = Field(default=2048, gt=0)  #: a longer prompt is refused, or cut as `cut` says
    cut: str | None = (
        None  #: the string field of the input that is cut at its end, so that the prompt fits; None: refused
    )
    timeout_s: float = Field(default=120.0, gt=0)  #: one attempt at one job
    attempts: int = Field(default=3, gt=0, le=20)  #: claims of one job before it is a dead letter
    #: a job expires unless a worker claims it within this time after it was ready; None: it may wait for ever
    claim_within_s: float | None = Field(default=None, gt=0, validation_alias=CLAIM_WITHIN_S)
    backlog: int | None = Field(default=None, gt=0)  #: jobs that may wait; None: as the deployment says


class Retry(_Record):
    """When a job is tried again that failed in a way that may pass."""

    backoff_s: float = Field(default=0.5, ge=0)  #: before the second attempt; each later wait is `factor` times as long
    factor: float = Field(default=2.0, ge=1, le=100)
    longest_s: float = Field(default=60.0, ge=0)
    jitter: float = Field(default=0.5, ge=0, le=1)  #: the share of a wait that is left to chance
    never: tuple[FailureKind, ...] = ()  #: kinds of failure that are not tried again

    def wait_ms(self, attempt: int, chance: float) -> int:
        """Until the attempt after `attempt`, which is 1 for the first; `chance` is in [0, 1)."""
        wait_s = min(self.longest_s, self.backoff_s * self.factor ** (attempt - 1))
        return round(1000 * wait_s * (1 - self.jitter * chance))


class Reusing(_Record):
    """What jobs share that ask a specialist the same: the same canonical input, of one tenant."""

    unique: bool = False  #: one of them runs at a time, the others wait for its output
    cache_s: int | None = Field(default=None, gt=0)  #: its output answers the others for so long


class Fallback(_Record, validate_by_name=True):
    """Who is asked the same when this one is too unsure of its output."""

    to: Name  #: a specialist with the same schemas
    below: float = Field(gt=0, le=1)  #: outputs whose confidence is less; one that has none is taken as it is
    #: the output stands unless a worker claims the fallback's job within this time
    claim_within_s: float = Field(default=30.0, gt=0, validation_alias=CLAIM_WITHIN_S)


class Recipe(_Record):
    """How `manyhands train` trains it where its options say nothing else; pinned with the adapter that came of it."""

    epochs: float = Field(default=1.0, gt=0)
    batch: int = Field(default=16, gt=0)  #: examples
    rate: float = Field(default=1e-3, gt=0)  #: peak
    rank: int = Field(default=16, gt=0, le=256)
    augment: float = Field(default=0.0, ge=0, le=20)  #: made-up examples for each real one, with values exchanged


class Script(_Record):
    """How long engine `scripted` takes over a request: log-normal service times, for load tests."""

    median_s: float = Field(default=0.0, ge=0)
    sigma: float = Field(default=0.0, ge=0, le=3)  #: of its logarithm; 0: always the median
    at_once: int | None = Field(default=None, gt=0)  #: requests served at a time, the others wait; None: any number
    any_prompt: bool = False  #: answers what is not in its table too, as the table's first row


class RayHosting(_Record):
    """Where engine `ray` has its actors, and how many."""

    engine: Literal[ModelEngine, "function", "scripted"] = "transformers"  #: that lives in each actor
    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=1, ge=1)
    cpus: float = Field(default=1.0, ge=0)  #: of each actor
    gpus: float = Field(default=0.0, ge=0)  #: of each actor; a fraction shares one, above one it is a whole number
    placement: Literal["spread", "pack"] = "spread"  #: over the nodes

    @model_validator(mode="after")
    def _has_room(self) -> RayHosting:
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas is {self.max_replicas}, below min_replicas, which is {self.min_replicas}")
        if self.gpus > 1 and not self.gpus.is_integer():
            raise ValueError(f"gpus is {self.gpus:g}; above one, Ray gives whole GPUs only")
        return self


class Manifest(_Record):
    """`specialist.toml`. The specialist's name is its job type's name: one name from plan to queue to Flower."""

    name: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    description: str = Field(min_length=1, max_length=300)
    engine: Annotated[str, AfterValidator(_known_engine)]
    function: str | None = Field(default=None, pattern=r"^[a-z_]+\.py:[a-z_]+$")  #: "file.py:name" in the folder
    #: "default": bounds that its schemas lack are added, and told; None: such schemas are refused
    bounds: Literal["default"] | None = None
    base: BaseRef | None = None
    adapter: AdapterRef | None = None
    decoding: Decoding | None = None
    limits: Limits = Limits()
    confidence: Calibration | None = (
        None  #: of the model's own probability; None: it was not fitted, and is told as it is
    )
    measure: dict[Name, MetricRule] = Field(
        default={}, description="The metrics of `manyhands eval` by name, the main one first; none: it guesses them."
    )
    fallback: Fallback | None = None
    training: Recipe = Recipe()
    retry: Retry = Retry()
    reuse: Reusing = Reusing()
    script: Script = Script()
    ray: RayHosting = RayHosting()
    planned: bool = True  #: offered to the planner

    @model_validator(mode="after")
    def _fits_its_engine(self) -> Manifest:
        if self.inner_engine == "function" and not self.function:
            raise ValueError("engine 'function' needs function = \"file.py:name\"")
        if self.inner_engine == "planner" and not (self.base and self.adapter):
            raise ValueError("engine 'planner' needs the tables [base] and [adapter]")
        if self.hosts_model and not (self.base and self.decoding):
            raise ValueError(f"engine {self.inner_engine!r} needs the tables [base] and [decoding]")
        return self

    @model_validator(mode="after")
    def _says_how_sure_it_is(self) -> Manifest:
        if self.fallback and self.inner_engine not in CONFIDENT:
            raise ValueError(
                f"[fallback] would never be asked: engine {self.inner_engine!r} does not say how sure it is of an "
                f"output; {', '.join(CONFIDENT)} does"
            )
        return self

    @model_validator(mode="after")
    def _names_what_its_outputs_are_of(self) -> Manifest:
        if self.reuse.cache_s is not None and self.base and self.base.sha256 is None:
            raise ValueError("[reuse] cache_s needs base.sha256: outputs of other weights would be kept as of these")
        return self

    @property
    def inner_engine(self) -> str:
        """What turns prompts into completions, wherever it lives."""
        return self.ray.engine if self.engine == "ray" else self.engine

    @property
    def trained(self) -> bool:
        """Whether its model was taught its job: by an adapter, or in its own weights. True where there is no model."""
        return not self.hosts_model or self.adapter is not None or (self.base is not None and self.base.tuned)

    @property
    def hosts_model(self) -> bool:
        """Whether it writes its answers by a language model."""
        return self.inner_engine in get_args(ModelEngine)
