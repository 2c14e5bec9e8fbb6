"""Workers: which are alive, and what they say of themselves. Knows nothing of what they say."""

from __future__ import annotations

from typing import Protocol

from infra.records import Json


class WorkerPresence(Protocol):
    """A worker's own signs of life."""

    def beat(self, worker: str, about: Json, ttl_ms: int) -> None:
        """Record that `worker` is alive, with what it serves, for `ttl_ms`."""

    def leave(self, worker: str) -> None:
        """Forget `worker`: it has ended, or has yet to say that it is alive."""


class WorkerRoster(Protocol):
    """All live workers, for people and for metrics."""

    def workers(self) -> dict[str, Json]:
        """Name -> what the worker said of itself, of the workers that are alive."""
