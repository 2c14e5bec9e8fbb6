"""Capability: what a worker can do and how fast, as its heartbeats report it. Knows no ledger and no queue."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, wait

from infra.records import Json
from specialists.examples import EXAMPLES, ExamplesError, read_examples
from specialists.specialist import Specialist
from workers.engines import Completion, Engine, EngineError, Finish, Request, distinct
from workers.engines.memory import resident_here
from workers.requests import request_for

log = logging.getLogger(__name__)

#: The measurement at start: one example to warm up, for WARM_S at most, then TRIALS examples, for TRIAL_S at most.
WARM_S, TRIALS, TRIAL_S = 0.5, 4, 1.5

SHORT = 12  #: hexadecimal digits of a digest that are shown


class Capability:
    def __init__(
        self,
        specialists: Iterable[Specialist],
        engines: Mapping[str, Engine],
        slots: int,
        tokens_per_s: float | None = None,
    ) -> None:
        """`engines`: by the specialist's name. `tokens_per_s`: as `measure` returns it."""
        self._specialists = list(specialists)
        self._engines = distinct(engines.values())
        self._slots = slots
        self._tokens_per_s = tokens_per_s
        self._started_ms = time.time_ns() // 1_000_000

    def about(self, running: int, done: int) -> Json:
        """`running`: slots that are taken now. `done`: jobs so far whose outcome the ledger accepted from it."""
        return self._constant() | {
            "devices": sorted({engine.stats().device for engine in self._engines}),
            "running": running,
            "done": done,
            "memory_bytes": resident_here(),
        }

    def _constant(self) -> Json:
        manifests = [each.manifest for each in self._specialists]
        return {
            "serves": {each.name: each.version for each in manifests},
            "schemas": {each.name: each.schemas for each in self._specialists},
            "untrained": [each.name for each in self._specialists if not each.manifest.trained],
            "digests": {each.name: each.digest[:SHORT] for each in self._specialists},
            "bases": sorted({each.base.name for each in manifests if each.base}),
            "engines": sorted({engine.name for engine in self._engines}),
            "slots": self._slots,
            "bundles": True,
            "tokens_per_s": self._tokens_per_s,
            "started_ms": self._started_ms,
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }


def measure(specialists: Iterable[Specialist], engines: Mapping[str, Engine]) -> float | None:
    """Tokens that the models here read and write in a second, tried on a few of the specialists' own examples at once.

    None if no model here writes, or if no example was answered in time.
    """
    models = [each for each in specialists if each.manifest.base and (each.manifest.decoding or each.manifest.head)]
    _try(models[:1], engines, 1, WARM_S)  # the first step of an engine takes longer than any after it
    began = time.monotonic()
    tokens = _try(models, engines, TRIALS, TRIAL_S)
    return round(tokens / (time.monotonic() - began), 1) if tokens else None


def _try(specialists: Sequence[Specialist], engines: Mapping[str, Engine], count: int, limit_s: float) -> int:
    """The tokens of about `count` answers, shared among the specialists, within `limit_s`."""
    deadline = time.monotonic() + limit_s
    futures = [
        engines[specialist.name].submit(request)
        for specialist in specialists
        for request in _trials(specialist, max(1, count // len(specialists)), deadline)
    ]
    wait(futures)
    return sum(map(_tokens, futures))


def _trials(specialist: Specialist, count: int, deadline: float) -> list[Request]:
    try:
        examples = read_examples(specialist.folder / EXAMPLES)[:count]
    except (OSError, ExamplesError):
        return []  # examples are for people first, and a folder may have none
    return [
        request_for(specialist, example.input, f"trial-{specialist.name}-{number}", deadline)
        for number, example in enumerate(examples)
    ]


def _tokens(future: Future[Completion]) -> int:
    """The tokens of an answer. A cut answer counts nothing, because it is unknown how much of its prompt was read."""
    try:
        completion = future.result()
    except EngineError as error:
        log.warning("a trial at start failed: %s", error, extra={"action": "measure"})
        return 0
    return completion.tokens_in + completion.tokens_out if completion.finish is Finish.STOP else 0
