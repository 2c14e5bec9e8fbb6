"""What the parts of the ledger on Redis share: its client, its keys and its scripts. Knows no record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import redis
from pydantic_core import to_json

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis import scripts
from infra.ledger.redis.arguments import JOBS_A_CALL, Argument
from infra.ledger.redis.client import BLOCK_MS
from infra.records import Json, Message

T = TypeVar("T")

WEEK_S = 7 * 24 * 3600
REPLICAS_MS = 2_000  #: how long a write waits until the replicas have it


class RedisStore:
    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        *,
        retention_s: int = WEEK_S,
        idle_ms: int = 5_000,
        replicas: int = 0,
    ) -> None:
        """`idle_ms`: outcomes that a consumer took and did not acknowledge are handed out again after this time.
        `replicas`: a run counts as created once this many replicas have it; until then LedgerUnavailable is raised,
        though the run may exist."""
        self._redis: Any = client  # redis-py types its answers as "awaitable or not"
        self._prefix = prefix
        self._retention_s = retention_s
        self._idle_ms = idle_ms
        self._replicas = replicas
        self._scripts = {name: client.register_script(scripts.load(name)) for name in scripts.SCRIPTS}

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _now_ms(self) -> int:
        """The time by the clock of Redis."""
        seconds, microseconds = self._redis.time()
        return int(1000 * seconds + microseconds // 1000)

    def _run(self, name: str, *arguments: Argument) -> Any:
        return self._scripts[name](keys=[self._prefix], args=[self._retention_s, *arguments])

    def _repeat(self, name: str, of: str) -> None:
        """Repeat a script that handles a piece at a time until nothing is left."""
        while self._run(name, of, JOBS_A_CALL):
            pass

    def _drain(self, name: str, head: int, *arguments: Argument) -> tuple[list[Message], list[int]]:
        """Repeat a script that handles a piece at a time until nothing is left. Returns the messages of all its
        answers, and the `head` numbers at the start of the last answer. The first one says whether there may be more.
        """
        messages: list[Message] = []
        numbers = [1]
        while numbers[0]:
            answer = self._run(name, *arguments)
            numbers = answer[:head]
            messages += map(tuple, answer[head:])
        return messages, numbers

    def _await_replicas(self) -> None:
        """Raise LedgerUnavailable unless enough replicas have all that was written so far."""
        if not self._replicas:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            # WAIT asks for the last write of its own connection, so one is made here.
            pipe.set(self._key("replicated"), 1).wait(self._replicas, REPLICAS_MS)
            _, have = pipe.execute()
        if have < self._replicas:
            raise LedgerUnavailable(f"{have} of {self._replicas} replicas of Redis have what was written")


def within(wait_ms: int, ask: Callable[[int | None], Any]) -> Any:
    """Repeat a blocking read, a few seconds at most each time, until it finds something or `wait_ms` have passed."""
    until = time.monotonic() + wait_ms / 1000
    while True:
        left_ms = int(1000 * (until - time.monotonic()))
        answer = ask(min(left_ms, BLOCK_MS) if left_ms > 0 else None)
        if answer or left_ms <= BLOCK_MS:
            return answer


def pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + JOBS_A_CALL] for start in range(0, len(items), JOBS_A_CALL))


def compact(value: Json) -> str:
    return to_json(value).decode()
