"""A coordinator, an API and a worker as real processes on one Redis, and nobody who starts them again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from coordinator.client import ApiError, ApiUnreachable, Client
from infra.process.child import Child
from infra.process.redis_server import free_port
from tests.support.eventually import eventually

START_S = 60.0


class House:
    """A context: they run, and the worker has said so. `settings` are of all three."""

    def __init__(self, redis_url: str, specialist: Path, logs: Path, **settings: str) -> None:
        """The one worker serves the specialist in the folder `specialist`."""
        self.api_port = free_port()
        ours = {"redis_url": redis_url, "api_port": str(self.api_port), "specialists": f'["{specialist}"]', **settings}
        self.environment = os.environ | {f"MANYHANDS_{name.upper()}": value for name, value in ours.items()}
        self.api = self._child("api", logs, "coordinator.api.app")
        self.coordinator = self._child("coordinator", logs, "coordinator.app")
        self.worker = self._child("worker", logs, "workers.app", specialist.name)
        self._all = [self.api, self.coordinator, self.worker]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def pids(self) -> list[int | None]:
        """None for one that has ended."""
        return [child.pid for child in self._all]

    def __enter__(self) -> Self:
        for child in self._all:
            child.start()
        try:
            self._await_worker()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()
        if error:
            self._show()

    def _end(self) -> None:
        """Killed: whether they end well without their Redis is not what they are here for."""
        for child in self._all:
            child.stop(until=0)

    def _child(self, name: str, logs: Path, *command: str) -> Child:
        return Child(name, [sys.executable, "-m", *command], self.environment, logs / f"{name}.log")

    def _await_worker(self) -> None:
        try:
            eventually(self._has_worker, "they have started; what they said is above", START_S)
        except AssertionError:
            self._show()
            raise

    def _has_worker(self) -> bool:
        assert None not in self.pids, "one of them has ended; what it said is above"
        try:
            with Client(self.url) as client:
                return bool(client.workers()["workers"])
        except (ApiError, ApiUnreachable):
            return False

    def _show(self) -> None:
        for child in self._all:
            print(f"-- {child.name}", child.log.read_text("utf-8", "replace")[-8000:], sep="\n")  # noqa: T201 - pytest shows it
