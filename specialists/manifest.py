"""A specialist's manifest: what `specialist.toml` may say. Knows nothing of files beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseRef(_Record):
    name: str  #: a key of `specialists.weights.BASES`, a local folder, or a hub id
    sha256: Digest | None = None  #: of the GGUF of a named base; checked against the weights before they load


class AdapterRef(_Record):
    sha256: Digest  #: of `adapter.safetensors`
    rank: int = Field(gt=0, le=256)
    alpha: int = Field(gt=0)


class Decoding(_Record):
    format: str = "json"  #: how the answer is written: see `specialists.formats`
    max_tokens: int = Field(gt=0, le=4096)


class Limits(_Record):
    input_tokens: int = Field(default=2048, gt=0)  #: a longer prompt is refused, never cut
    timeout_s: float = Field(default=120.0, gt=0)  #: one attempt at one job
    attempts: int = Field(default=3, gt=0, le=20)  #: claims of one job before it is a dead letter


class Manifest(_Record):
    """`specialist.toml`. The specialist's name is its job type's name: one name from plan to queue to Flower."""

    name: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    description: str = Field(min_length=1, max_length=300)
    engine: Literal["transformers", "function", "scripted"]
    function: str | None = Field(default=None, pattern=r"^[a-z_]+\.py:[a-z_]+$")  #: "file.py:name" in the folder
    base: BaseRef | None = None
    adapter: AdapterRef | None = None
    decoding: Decoding | None = None
    limits: Limits = Limits()
    planned: bool = True  #: offered to the planner; `plan` itself is not

    @model_validator(mode="after")
    def _fits_its_engine(self) -> Manifest:
        if self.engine == "function" and not self.function:
            raise ValueError("engine 'function' needs function = \"file.py:name\"")
        if self.engine == "transformers" and not (self.base and self.decoding):
            raise ValueError("engine 'transformers' needs the tables [base] and [decoding]")
        return self
