"""A Ray cluster for tests: each node is `ray start --block` in a session of its own, so that it can be killed whole."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.eventually import eventually

START_S = 60
STORE_BYTES = 80_000_000


class RayCluster:
    """A context: a head with `cpus` logical CPUs, as many as no machine need have, and what `add_node` adds."""

    def __init__(self, folder: Path, cpus: int = 8) -> None:
        self.token_file = folder / "token"
        self.token_file.write_text(secrets.token_hex(32))
        self.address = f"127.0.0.1:{_free_port()}"
        self._cpus = cpus
        self._log = (folder / "ray.log").open("wb")
        self._nodes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        port = self.address.partition(":")[2]
        self._start("--head", "--port", port, "--include-dashboard=false", f"--ray-client-server-port={_free_port()}")
        # It is said when all of its processes are up.
        eventually(lambda: b"will now block" in Path(self._log.name).read_bytes(), "Ray's head has started", START_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for node in reversed(self._nodes):
            self.kill(node)
        self._log.close()

    def add_node(self) -> subprocess.Popen[bytes]:
        """It is not there yet when this returns."""
        return self._start("--address", self.address)

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """All of its processes at once, as when a machine loses power."""
        for process in _of(node):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        node.wait()

    def actors(self) -> list[psutil.Process]:
        """The processes of our actors on all nodes."""
        return [process for node in self._nodes for process in _of(node) if _title(process).startswith("ray::Host")]

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *options]
        command += ["--num-cpus", str(self._cpus), "--object-store-memory", str(STORE_BYTES)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        env |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}
        self._nodes.append(
            subprocess.Popen(command, env=env, start_new_session=True, stdout=self._log, stderr=subprocess.STDOUT)
        )
        return self._nodes[-1]


def _of(node: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All processes of the node's session: actors have process groups of their own."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            if os.getsid(process.pid) == node.pid:
                found.append(process)
    return found


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
