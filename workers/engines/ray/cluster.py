"""The Ray cluster that this process is a member of. Knows nothing of engines.

A process can be in one Ray cluster only, so all engines of the process share one membership: the first that joins
enters, and the last that leaves ends it. Every connection to Ray uses a token.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import threading
from pathlib import Path

import ray
from ray._raylet import Config, GcsClient  # type: ignore[attr-defined] # a compiled module
from ray.exceptions import AuthenticationError, RayError

from workers.engines import EngineError
from workers.engines.ray import node as ray_node
from workers.engines.ray.environment import secrets_hidden
from workers.engines.ray.node import STORE_BYTES

_lock = threading.Lock()
_members: list[str | None] = []  # the address that each engine has joined
_nodes: list[subprocess.Popen[bytes]] = []  # the nodes that this process has started


def join(address: str | None, token_file: Path | None) -> None:
    """Become a member of the cluster at `address`, or of a private one on this machine. Raises EngineError."""
    with _lock:
        if _members and _members[0] != address:
            raise EngineError(
                f"this process is in the Ray cluster {_members[0] or 'of its own'} already, not in {address}: "
                "one process can be in one",
                retryable=False,
            )
        if not _members:
            _enter(address, token_file)
        _members.append(address)


def leave() -> None:
    """Undo one `join`."""
    with _lock:
        _members.pop()
        if not _members:
            _exit()


def _enter(address: str | None, token_file: Path | None) -> None:
    if address and address.startswith("ray://"):
        raise EngineError(f"{address}: give the address of the cluster itself, HOST:PORT, no ray://", retryable=False)
    _identify(address, token_file)
    private = {} if address else {"object_store_memory": STORE_BYTES, "include_dashboard": False}
    try:
        if address:
            _settle(address)
        with secrets_hidden():
            ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **private)
    except (RayError, RuntimeError, OSError, ValueError) as error:
        _exit()
        raise EngineError(_why(address, error), retryable=False) from error


def _exit() -> None:
    ray.shutdown()
    while _nodes:
        ray_node.stop(_nodes.pop())


def _settle(address: str) -> None:
    """Make this machine a node of the cluster, if it is none. This finds a wrong token, which `init` would not name."""
    gcs = GcsClient(address=address)
    if not ray_node.is_here(gcs):
        _nodes.append(ray_node.start(address, gcs))


def _identify(address: str | None, token_file: Path | None) -> None:
    """Set the environment, because Ray and the processes that it starts take their token only from there."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AUTH_MODE"] = "token"
    if token_file:
        if not token_file.is_file():
            raise EngineError(f"MANYHANDS_RAY_TOKEN_FILE: there is no file {token_file}", retryable=False)
        os.environ.pop("RAY_AUTH_TOKEN", None)  # Ray would prefer this one
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token_file)
    elif address is None:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    Config.initialize("")  # Ray read the environment when it was imported, so it must read it again


def _why(address: str | None, error: Exception) -> str:
    if isinstance(error, AuthenticationError):
        return f"the Ray cluster at {address} refuses our token; MANYHANDS_RAY_TOKEN_FILE must hold the cluster's own"
    if address is None:
        return f"cannot start Ray on this machine: {_first_line(error)}"
    return f"cannot join the Ray cluster at {address}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
