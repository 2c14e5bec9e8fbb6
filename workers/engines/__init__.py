"""Engines: what turns prompts into completions. One file an engine; knows nothing of queues, leases or schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from specialists.fitting import Unfit

E = TypeVar("E")


class Finish(StrEnum):
    """Why a completion ended."""

    STOP = "stop"  #: The answer is whole.
    LENGTH = "length"  #: The answer had `max_tokens` tokens before it was whole.
    CANCELLED = "cancelled"  #: `cancel` was called with the request's id.
    DEADLINE = "deadline"  #: The request's deadline passed.


@dataclass(frozen=True)
class Request:
    """What an engine is asked to answer."""

    id: str  #: It is unique among the requests in flight, and `cancel` takes it.
    specialist: str  #: The specialist whose adapter or whose function answers.
    prompt: str  #: The whole text that the model reads.
    grammar: str | None = (
        None  #: The answers that are allowed, in llguidance's dialect of Lark. None allows any answer.
    )
    max_tokens: int = 256  #: The most tokens of the answer.
    deadline: float | None = None  #: Decoding stops when `time.monotonic()` is later.
    timeout_s: float | None = None  #: Decoding stops so long after it began. Only an Elastic engine is given it.
    cut: tuple[int, int] | None = None  #: The range of the prompt's characters that may be cut at its end to fit.
    source: tuple[int, int] | None = None  #: The range of the prompt's characters that an answer may be parts of.
    top: int | None = None  #: How many values of each label are told. An engine whose answers are written tells none.


@dataclass(frozen=True)
class Completion:
    """What an engine answers."""

    text: str  #: The answer.
    finish: Finish  #: Why the answer ended.
    tokens_in: int = 0  #: How many tokens the prompt had.
    tokens_out: int = 0  #: How many tokens the answer has.
    forced: int = 0  #: How many tokens of the answer the grammar left no choice of.
    reused: int = 0  #: How many tokens of the prompt had been computed for an earlier prompt.
    cut: int = 0  #: How many characters of the prompt were left out so that it fits.
    probability: float | None = None  #: The answer's probability among all that the grammar allows, if it is known.
    #: Of each label that was read off: its value and then others, the likeliest first, each with its probability.
    ranked: Mapping[str, Sequence[tuple[Any, float]]] | None = None


class EngineError(Exception):
    """The engine could not complete a request. `retryable` says whether another attempt may succeed."""

    def __init__(self, message: str, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class PromptTooLong(EngineError):
    """Of `specialists.fitting.Unfit`, which says what the numbers are."""

    def __init__(self, tokens: int, limit: int, uncut: bool = True) -> None:
        super().__init__(str(Unfit(tokens, limit, uncut)), retryable=False)
        self.tokens = tokens
        self.limit = limit
        self.uncut = uncut


@dataclass(frozen=True)
class EngineStats:
    """What an engine does now, and what it has done since it started."""

    device: str  #: The device that it computes on, such as "cpu" or "cuda:0".
    running: int = 0  #: How many requests it works on.
    waiting: int = 0  #: How many requests wait for a slot.
    steps: int = 0  #: How many decoding steps it has made.
    step_s: float = 0.0  #: How many seconds it has spent in decoding steps.
    rows: int = 0  #: The requests of each step, summed over all steps. `rows / steps` is the mean batch.
    replicas: int = 1  #: How many copies of the engine can take a request now.
    restarts: int = 0  #: How many copies were started again.
    shrunk: int = 0  #: How often memory ran out in a step, so that the batch was made smaller.


class Engine(Protocol):
    """Turns prompts into completions. It batches by itself: requests join and leave the batch that runs.

    Every method may be called from any thread.
    """

    name: str  #: The engine's name, as `specialist.toml` gives it.

    @property
    def build(self) -> str | None:
        """The libraries that compute, with their versions. None stands for an engine that computes by no library."""

    @property
    def precision(self) -> str | None:
        """The numbers that it computes with, such as "bf16" or "q8_0". None stands for an engine without a model."""

    def submit(self, request: Request) -> Future[Completion]:
        """Take a request and return at once. The future holds the completion, or raises EngineError.

        A request that was cancelled or whose deadline passed has a completion, not an error. Callbacks of the future
        run in the engine's own thread, so they have to be short.
        """

    def cancel(self, request_id: str) -> None:
        """Stop the request at the next decoding step. An unknown id is ignored."""

    def close(self) -> None:
        """Stop taking requests and fail those in flight with a retryable EngineError."""

    def healthy(self) -> bool:
        """False when no request can end any more: the engine is closed or broken, or has work and makes no step."""

    def stats(self) -> EngineStats:
        """The engine's figures. The call is cheap."""


@runtime_checkable
class Elastic(Protocol):
    """An engine that can grow and shrink. Requests may wait in it for long, so it keeps to their `timeout_s`."""

    slots: int  #: How many requests it works on at a time when it has grown as far as it may.

    def expect(self, waiting: int, oldest_s: float) -> None:
        """Hear that `waiting` jobs are in the ledger beyond those submitted, the oldest for `oldest_s`.

        Returns at once.
        """


def distinct(engines: Iterable[E]) -> list[E]:
    """Each engine once, even if several specialists share it."""
    return list({id(engine): engine for engine in engines}.values())
