"""The house on one machine: Redis, API, coordinator, one worker with every specialist, Flower. Knows no goal.

All of its processes are supervised.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from coordinator.client import ApiError, ApiUnreachable, Client
from coordinator.exits import Reason
from coordinator.local.own_key import OwnKey, own_key
from coordinator.local.served import Served
from infra.process.child import Child, stop_all
from infra.process.redis_server import RedisServer, free_port
from infra.records import Json
from infra.settings import Settings
from specialists.catalog import CatalogError

LOOK_S = 0.2
WORKER_S = 0.5
MOST_RESTARTS = 2  #: how often in a row the worker may end before people are told
API_S = 60.0
Tell = Callable[[str], None]


class StartError(Reason):
    """A part did not start. The message says which part, and where its log is."""


@dataclass(frozen=True)
class Ports:
    redis: int
    api: int
    flower: int

    @classmethod
    def choose(cls, settings: Settings, tell: Tell) -> Ports:
        """The ports of the settings. In the place of a port that is taken comes a free one, and `tell` is told."""
        return cls(
            redis=_port_for("Redis", urlsplit(settings.redis_url).port or 6379, tell),
            api=_port_for("API", settings.api_port, tell),
            flower=_port_for("Flower", settings.flower_port, tell),
        )

    @classmethod
    def private(cls) -> Ports:
        return cls(free_port(), free_port(), free_port())


class House:
    def __init__(self, settings: Settings, ports: Ports, data: Path, tell: Tell, *, flower: bool = True) -> None:
        """`data` keeps Redis's files and the logs; `tell` gets a sentence when something happens."""
        self._settings = settings
        self._ports = ports
        self._tell = tell
        self.data = data
        self._redis = RedisServer(data / "redis", ports.redis, settings.appendfsync)
        self._log = data / "logs"
        self.children = [
            self._child("api", "-m", "coordinator.api.app"),
            self._child("coordinator", "-m", "coordinator.app"),
            self._child("worker", "-m", "workers.upkeep.supervisor"),
        ]
        self._share_metrics_ports()
        self.worker = self.children[-1]
        if flower:
            self.children.append(self._flower())
        self._served = Served(settings.specialists, tell)
        self._key: OwnKey | None = None  #: where the API asks for keys
        self.renewals = 0  #: how often the worker was started again because a specialist had changed
        self._watcher = Thread(target=self._watch, name="watcher")
        self._starting = Lock()  #: nothing is started once `_stopping` is set
        self._stopping = False
        self._stopped = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports.api}"

    @property
    def redis_url(self) -> str:
        return self._redis.url

    @property
    def flower_url(self) -> str:
        return f"http://127.0.0.1:{self._ports.flower}"

    def start(self) -> None:
        """Start every part, and return when the API answers. Raises StartError."""
        try:
            self._redis.start()
        except RuntimeError as error:
            raise StartError(str(error)) from error
        self._key = own_key(self._settings, self.redis_url)
        for child in self.children:
            child.start()
        self._watcher.start()
        self._await_api()

    def await_workers(self) -> None:
        """Return when a worker has said that it serves. Raises StartError when the worker keeps ending."""
        while not self.has_workers():
            if self.worker_keeps_ending:
                raise StartError(f"the worker does not start; its log: {self.worker.log}")
            time.sleep(WORKER_S)

    @property
    def worker_keeps_ending(self) -> bool:
        return self.worker.restarts > MOST_RESTARTS

    def has_workers(self) -> bool:
        """Whether a worker serves. False also if the API does not answer, as it or Redis may be starting again."""
        return bool(self._workers())

    def is_ready(self) -> bool:
        """Whether each specialist has a worker that serves it as its folder is now. False also if this is not known."""
        try:
            return self._served.is_served(self._workers().values())
        except CatalogError:
            return False

    def _workers(self) -> dict[str, Json]:
        """The live workers by name, as they describe themselves; none if the API does not answer."""
        try:
            with self._client() as client:
                found: dict[str, Json] = client.workers()["workers"]
                return found
        except (ApiError, ApiUnreachable):
            return {}

    def refresh_flower(self) -> None:
        """Make Flower ask the workers for their queues. By itself it asks only when it starts, before they serve."""
        auth = self._settings.flower_auth
        user, _, password = auth.get_secret_value().partition(":") if auth else ("", "", "")
        try:
            given = (user, password) if auth else None
            httpx.get(f"{self.flower_url}/workers?refresh=1", auth=given, timeout=10.0, trust_env=False)
        except httpx.HTTPError as error:
            self._tell(f"Flower does not answer: {error}")

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_S):
            with self._starting:
                if not self._stopping:
                    self._mend()
                    self._renew()

    def _mend(self) -> None:
        """Start the processes again that have died."""
        if not self._redis.pid:
            self._tell("Redis ended; starting it again")
            try:
                self._redis.start()
            except RuntimeError as error:
                self._tell(str(error))
        for child in self.children:
            if sentence := child.mend():
                self._tell(sentence)

    def _renew(self) -> None:
        """Start the worker again if a specialist is new or has changed. Its jobs go back to the ledger."""
        if self._served.has_changed():
            self._tell("the specialists have changed: the worker starts again")
            stop_all([self.worker], self._settings.grace_s)
            self.worker.start()
            self.renewals += 1

    def stop(self) -> None:
        """Stop every part, Redis last. The watcher ends after them, as processes that it started end with it."""
        with self._starting:
            self._stopping = True
        stop_all(self.children, self._settings.grace_s)
        if self._key:
            self._key.end()
        self._redis.stop()
        self._stopped.set()
        if self._watcher.is_alive():
            self._watcher.join()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _client(self) -> Client:
        return Client(self.url, api_key=self._key.secret if self._key else None)

    def _await_api(self) -> None:
        api, until = self.children[0], time.monotonic() + API_S
        with self._client() as client:
            while time.monotonic() < until and api.pid:
                try:
                    client.workers()
                except ApiUnreachable:
                    time.sleep(LOOK_S)
                else:
                    return
        raise StartError(f"the API did not start; its log: {api.log}")

    def _child(self, name: str, *command: str) -> Child:
        environment = {
            **{name: value for name, value in os.environ.items() if not _is_of_others(name)},
            "MANYHANDS_REDIS_URL": self.redis_url,
            "MANYHANDS_API_PORT": str(self._ports.api),
            "MANYHANDS_API_HOST": self._settings.api_host,
            "MANYHANDS_KEYS": str(self._settings.keys),
            "MANYHANDS_OPEN": str(self._settings.open),
            "MANYHANDS_HOME": str(self._settings.home),
        }
        return Child(name, [sys.executable, *command], environment, self._log / f"{name}.log")

    def _share_metrics_ports(self) -> None:
        """Give API, coordinator and worker a port each, counted up from the one in the settings."""
        if first := self._settings.metrics_port:
            for port, child in enumerate(self.children, first):
                child.environment = {**child.environment, "MANYHANDS_METRICS_PORT": str(port)}

    def _flower(self) -> Child:
        """Flower knows only the broker, and is read-only, because its API could send any task."""
        options = [f"--port={self._ports.flower}", "--address=127.0.0.1", "--read_only=True"]
        celery = ["-m", "celery", "--broker", self.redis_url, "--config", "infra.deploy.flower_config"]
        child = self._child("flower", *celery, "flower", *options)
        child.environment = {**child.environment, "MANYHANDS_QUEUE_PREFIX": self._settings.queue_prefix}
        if self._settings.flower_auth:  # the environment hides it, while everyone can read a command line
            secret = {"FLOWER_BASIC_AUTH": self._settings.flower_auth.get_secret_value()}
            child.environment = {**child.environment, **secret}
        return child


def _is_of_others(variable: str) -> bool:
    """Whether it is about another Redis than the house's own. Flower, which is Celery's, would believe it."""
    return variable == "MANYHANDS_REDIS_PASSWORD_FILE" or variable.startswith("CELERY_")


def _port_for(name: str, wanted: int, tell: Tell) -> int:
    if is_free(wanted):
        return wanted
    found = free_port()
    tell(f"port {wanted} is taken; the {name} listens on {found}")
    return found


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
