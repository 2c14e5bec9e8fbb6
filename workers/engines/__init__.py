"""Engines: what turns prompts into completions. One file an engine; knows nothing of queues, leases or schemas."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar, runtime_checkable

from specialists.fitting import Unfit

E = TypeVar("E")


class Finish(StrEnum):
    STOP = "stop"  #: the answer is whole
    LENGTH = "length"  #: `max_tokens` came first
    CANCELLED = "cancelled"
    DEADLINE = "deadline"


@dataclass(frozen=True)
class Request:
    id: str  #: unique among the requests in flight; what `cancel` takes
    specialist: str  #: whose adapter, or whose function
    prompt: str
    grammar: str | None = None  #: Lark, llguidance's dialect; None: anything
    max_tokens: int = 256
    deadline: float | None = None  #: `time.monotonic()` after which decoding stops
    timeout_s: float | None = None  #: it also stops so long after it began; only an Elastic engine is asked for that
    cut: tuple[int, int] | None = None  #: the prompt's characters that may be cut at their end, so that it fits


@dataclass(frozen=True)
class Completion:
    text: str
    finish: Finish
    tokens_in: int = 0
    tokens_out: int = 0
    forced: int = 0  #: of `tokens_out`, those that the grammar left no choice of
    reused: int = 0  #: of `tokens_in`, those that had been computed for an earlier prompt
    cut: int = 0  #: characters of the prompt that were left out, so that it fits
    probability: float | None = None  #: of this answer among all that the grammar allows; None: the engine says none


class EngineError(Exception):
    """The engine could not complete a request; `retryable` if another attempt may."""

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

    device: str  #: "cpu", "cuda:0", …
    running: int = 0  #: requests that are worked on
    waiting: int = 0  #: requests that wait for a slot
    steps: int = 0  #: decoding steps so far
    step_s: float = 0.0  #: seconds spent in them
    rows: int = 0  #: requests in a step, summed over the steps: rows / steps is the mean batch
    replicas: int = 1  #: copies of the engine that can take a request now
    restarts: int = 0  #: copies that were started again
    shrunk: int = 0  #: times that memory ran out in a step, and the batch was made smaller


class Engine(Protocol):
    """Batches by itself: requests may be submitted from any thread and join and leave the running batch."""

    name: str

    @property
    def build(self) -> str | None:
        """Which versions of which libraries compute, "transformers 5.23.0, torch 2.13.0"; None: no library does."""

    @property
    def precision(self) -> str | None:
        """In which numbers it computes: "bf16", "int8", "q8_0", …; None: it runs no model."""

    def submit(self, request: Request) -> Future[Completion]:
        """The completion to come. Its future fails with EngineError; a cancel or deadline is a Completion, no error.

        Callbacks of the future run in the engine's own thread: keep them short.
        """

    def cancel(self, request_id: str) -> None:
        """Stop the request at the next decoding step; unknown ids are ignored."""

    def close(self) -> None:
        """Stop taking requests and fail those in flight with a retryable EngineError."""

    def healthy(self) -> bool:
        """False when no request can end any more: closed, broken, or no step for far too long while there is work."""

    def stats(self) -> EngineStats:
        """Cheap, and callable from any thread at any time."""


@runtime_checkable
class Elastic(Protocol):
    """An engine that can grow and shrink. As requests may wait in it for long, it also keeps to their `timeout_s`."""

    slots: int  #: requests that it works on at a time when it has grown as far as it may

    def expect(self, waiting: int, oldest_s: float) -> None:
        """`waiting` jobs for it are in the ledger beyond those submitted, the oldest for `oldest_s`.

        Returns at once.
        """


def distinct(engines: Iterable[E]) -> list[E]:
    """Each engine once, though several specialists may share it."""
    return list({id(engine): engine for engine in engines}.values())
