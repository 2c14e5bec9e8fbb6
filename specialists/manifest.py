"""A specialist's manifest: what `specialist.toml` may say. Knows nothing of files beside it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infra.field_names import CLAIM_WITHIN_S
from infra.plugins import ENGINES, plugins
from infra.records import FailureKind
from specialists.confidence import Calibration
from specialists.head_rule import HeadRule
from specialists.metric_rule import MetricRule

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelEngine = Literal["transformers", "llama.cpp", "vllm"]  #: the engines that host a model


#: ... and the others that ship; installed packages may register more.
OTHER_ENGINES = ("planner", "function", "scripted", "ray")

CONFIDENT = ("transformers",)  #: the engines whose outputs have a confidence

LONGEST_ANSWER = 4096  #: tokens

LINEAR = "linear"  #: the base without weights: words and letters alone, weighed for each label


def _known_engine(name: str) -> str:
    own = [*get_args(ModelEngine), *OTHER_ENGINES]
    if name not in own and name not in (others := plugins(ENGINES)):
        raise ValueError(f"unknown engine {name!r}; known: {', '.join(sorted([*own, *others]))}")
    return name


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseRef(_Record):
    """The base model that the specialist's adapter was trained on."""

    name: str = Field(
        description="The base model: one of those that `manyhands weights` knows, a local folder, or the id of a model "
        "on the Hugging Face hub. `linear` is no model: a [head] of labels then reads words and letters alone."
    )
    sha256: Digest | None = Field(
        default=None, description="The digest of a named base's weights. It is checked before they load."
    )
    tuned: bool = Field(
        default=False,
        description="Whether the weights themselves were trained for this job type, so that it needs no adapter.",
    )


class AdapterRef(_Record):
    """The LoRA adapter that makes the base model a specialist. `manyhands train` writes this table."""

    sha256: Digest = Field(description="The digest of `adapter.safetensors` in the folder.")
    rank: int = Field(
        gt=0, le=256, description="The rank of the adapter's matrices; 1 on base `linear`, which has none."
    )
    alpha: int = Field(gt=0, description="The adapter's output is multiplied by `alpha / rank`.")


class Decoding(_Record):
    """How the specialist writes its answer."""

    format: str = Field(
        default="json",
        description="The text form of the answer: `lines`, `call`, `json`, or one that an installed package registers.",
    )
    max_tokens: int | None = Field(
        default=None,
        gt=0,
        le=LONGEST_ANSWER,
        description="The most tokens of one answer. Without it an answer may have as many tokens as the longest answer "
        "that the output schema allows has bytes, and it never has more tokens than bytes.",
    )


class Limits(_Record, validate_by_name=True):
    """How long a job's input may be, and how long a job may wait and run."""

    input_tokens: int = Field(
        default=2048, gt=0, description="A prompt of more tokens is refused, or is cut as `cut` says."
    )
    cut: str | None = Field(
        default=None,
        description="The input field, a string, that is cut at its end so that a long prompt fits. Without it a prompt "
        "that is too long is refused.",
    )
    timeout_s: float = Field(default=120.0, gt=0, description="How long one attempt at a job may take.")
    attempts: int = Field(
        default=3, gt=0, le=20, description="How often a job may be claimed before it becomes a dead letter."
    )
    claim_within_s: float | None = Field(
        default=None,
        gt=0,
        validation_alias=CLAIM_WITHIN_S,
        description="A job expires unless a worker claims it within so long after it was ready. Without it a job may "
        "wait for ever.",
    )
    backlog: int | None = Field(
        default=None,
        gt=0,
        description="How many jobs of this type may wait. Without it `MANYHANDS_BACKLOG` holds.",
    )


class Retry(_Record):
    """When a job is tried again that failed in a way that may pass."""

    backoff_s: float = Field(
        default=0.5, ge=0, description="The wait before the second attempt. Each later wait is `factor` times as long."
    )
    factor: float = Field(default=2.0, ge=1, le=100, description="How many times as long each later wait is.")
    longest_s: float = Field(default=60.0, ge=0, description="No wait is longer.")
    jitter: float = Field(default=0.5, ge=0, le=1, description="The share of each wait that is left to chance.")
    never: tuple[FailureKind, ...] = Field(default=(), description="The kinds of failure that are not tried again.")

    def wait_ms(self, attempt: int, chance: float) -> int:
        """Until the attempt after `attempt`, which is 1 for the first; `chance` is in [0, 1)."""
        wait_s = min(self.longest_s, self.backoff_s * self.factor ** (attempt - 1))
        return round(1000 * wait_s * (1 - self.jitter * chance))


class Reusing(_Record):
    """What jobs of one tenant share when their input is the same."""

    unique: bool = Field(
        default=False, description="Whether only one of them runs at a time while the others wait for its output."
    )
    cache_s: int | None = Field(
        default=None, gt=0, description="How long an output answers later jobs. Without it an output is not kept."
    )


class Fallback(_Record, validate_by_name=True):
    """Another specialist that does the same job where this one is too unsure of its output."""

    to: Name = Field(description="The name of a specialist that has the same schemas.")
    below: float = Field(
        gt=0,
        le=1,
        description="The fallback is asked when the confidence of an output is lower. An output that has no confidence "
        "is taken as it is.",
    )
    claim_within_s: float = Field(
        default=30.0,
        gt=0,
        validation_alias=CLAIM_WITHIN_S,
        description="The first output stands unless a worker claims the fallback's job within so long.",
    )


class Recipe(_Record):
    """How `manyhands train` trains the specialist where its options say nothing else. It is pinned with the adapter."""

    epochs: float = Field(default=1.0, gt=0, description="How many times the training examples are gone through.")
    batch: int = Field(default=16, gt=0, description="How many examples each training step has.")
    rate: float = Field(default=1e-3, gt=0, description="The highest learning rate of the run.")
    rank: int = Field(default=16, gt=0, le=256, description="The rank of the adapter's matrices.")
    frozen: bool = Field(
        default=False,
        description="Whether the base stays as it is and only what reads the labels is trained, for a [head].",
    )
    augment: float = Field(
        default=0.0,
        ge=0,
        le=20,
        description="How many made-up examples are added for each real one. They are made by exchanging values.",
    )


class Script(_Record):
    """How long engine `scripted` takes for a request. The times are log-normal; the engine is for load tests."""

    median_s: float = Field(default=0.0, ge=0, description="The median time of a request.")
    sigma: float = Field(
        default=0.0,
        ge=0,
        le=3,
        description="The standard deviation of the time's logarithm. With 0 each request takes the median.",
    )
    at_once: int | None = Field(
        default=None,
        gt=0,
        description="How many requests are served at the same time; others wait. Without it there is no bound.",
    )
    any_prompt: bool = Field(
        default=False, description="Whether a prompt that is not in the table gets the answer of the table's first row."
    )


class RayHosting(_Record):
    """Where engine `ray` has its actors, and how many it has."""

    engine: Literal[ModelEngine, "function", "scripted"] = Field(
        default="transformers", description="The engine that lives in each actor."
    )
    min_replicas: int = Field(default=1, ge=1, description="The fewest actors.")
    max_replicas: int = Field(default=1, ge=1, description="The most actors.")
    cpus: float = Field(default=1.0, ge=0, description="How many processor cores each actor reserves.")
    gpus: float = Field(
        default=0.0,
        ge=0,
        description="How many GPUs each actor reserves. A fraction shares one GPU; a number above 1 must be whole.",
    )
    placement: Literal["spread", "pack"] = Field(
        default="spread", description="Whether actors are spread over the nodes or packed onto few."
    )

    @model_validator(mode="after")
    def _has_room(self) -> RayHosting:
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas is {self.max_replicas}, below min_replicas, which is {self.min_replicas}")
        if self.gpus > 1 and not self.gpus.is_integer():
            raise ValueError(f"gpus is {self.gpus:g}; above one, Ray gives whole GPUs only")
        return self


class Manifest(_Record):
    """`specialist.toml`. The specialist's name is its job type's name: one name from plan to queue to Flower."""

    name: Name = Field(description="The name of the specialist, which is also the name of its job type and its queue.")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="The specialist's version, such as `1.0.0`.")
    description: str = Field(
        min_length=1, max_length=300, description="What the specialist does, in one sentence. The planner reads it."
    )
    engine: Annotated[str, AfterValidator(_known_engine)] = Field(
        description="The engine that serves the specialist: one of those that ship, or one that an installed package "
        "registers."
    )
    function: str | None = Field(
        default=None,
        pattern=r"^[a-z_]+\.py:[a-z_]+$",
        description='The Python function that engine `function` calls, as "file.py:name" in the folder.',
    )
    bounds: Literal["default"] | None = Field(
        default=None,
        description='"default" adds the bounds that the schemas lack, and tells them as notices. Without it, schemas '
        "that lack bounds are refused.",
    )
    base: BaseRef | None = Field(
        default=None,
        description="The base model. A folder whose manifest has none of [base], [adapter], [decoding] and [head] gets "
        "them from `manyhands train`.",
    )
    adapter: AdapterRef | None = Field(default=None, description="Without it the base model answers by itself.")
    decoding: Decoding | None = Field(
        default=None, description="Needed where a language model writes its answer, so unless there is a [head]."
    )
    head: HeadRule | None = Field(
        default=None, description="The answer is read off in one pass. It takes the place of [decoding]."
    )
    limits: Limits = Limits()
    confidence: Calibration | None = Field(
        default=None,
        description="`manyhands eval --calibrate` writes this table. Without it the confidence of an output is the "
        "model's own probability.",
    )
    measure: dict[Name, MetricRule] = Field(
        default={},
        description="The metrics that `manyhands eval` scores, by name; the first one is the main one. Without this "
        "table the metrics are guessed from the output schema.",
    )
    fallback: Fallback | None = Field(default=None, description="Without it each output stands.")
    training: Recipe = Recipe()
    retry: Retry = Retry()
    reuse: Reusing = Reusing()
    script: Script = Script()
    ray: RayHosting = RayHosting()
    planned: bool = Field(default=True, description="Whether the planner may use the job type in a plan.")

    @model_validator(mode="after")
    def _fits_its_engine(self) -> Manifest:
        if self.inner_engine == "function" and not self.function:
            raise ValueError("engine 'function' needs function = \"file.py:name\"")
        if self.inner_engine == "planner" and not (self.base and self.adapter):
            raise ValueError("engine 'planner' needs the tables [base] and [adapter]")
        if self.hosts_model and not self.is_bare and not (self.base and (self.decoding or self.head)):
            raise ValueError(
                f"engine {self.inner_engine!r} needs the tables [base] and [decoding], or [base] and [head]"
            )
        if self.head and self.decoding:
            raise ValueError("an answer is written or read off: leave out [decoding] or [head]")
        if self.base and self.base.name == LINEAR and not (self.head and self.head.fits_linear):
            raise ValueError('base \'linear\' needs a [head] with kind = "label" or "labels", and without layers')
        if self.head and self.base and self.base.tuned:
            raise ValueError("[base] tuned: a [head] is taught by `manyhands train` alone, whoever made the weights")
        if self.head and self.engine != "transformers":
            raise ValueError(f"[head] is read by engine 'transformers', not by {self.engine!r}")
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
    def is_bare(self) -> bool:
        """Whether it says nothing of its model yet: `manyhands train` finds one."""
        return self.engine == "transformers" and not (self.base or self.adapter or self.decoding or self.head)

    @property
    def trained(self) -> bool:
        """Whether its model was taught its job: by an adapter, or in its own weights. True where there is no model."""
        return not self.hosts_model or self.adapter is not None or (self.base is not None and self.base.tuned)

    @property
    def hosts_model(self) -> bool:
        """Whether it writes its answers by a language model."""
        return self.inner_engine in get_args(ModelEngine)
