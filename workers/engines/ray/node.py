"""This machine's node of a Ray cluster. Knows no engine and no actor.

Ray lets a process join only through a node on its own machine, and aborts the process if there is none.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from typing import Any

from infra.process.child import await_end
from workers.engines import EngineError
from workers.engines.ray.environment import without_secrets

log = logging.getLogger(__name__)

START_S = 60.0
ANSWER_S = 10.0
END_S = 10.0
STORE_BYTES = 80_000_000  #: nearly the least that Ray takes, because prompts and answers travel inside the calls


def is_here(gcs: Any) -> bool:
    """Whether one of the cluster's live nodes is on this machine; `gcs` is a client of its head."""
    nodes = gcs.get_all_node_info(timeout=ANSWER_S).values()
    return any(_listens(node.raylet_socket_name) for node in nodes if node.state == 0)


def start(address: str, gcs: Any) -> subprocess.Popen[bytes]:
    """Make this machine a node that offers no resources. Raises EngineError if it does not become one."""
    log.info("this machine becomes a node of the Ray cluster at %s", address, extra={"action": "join"})
    options = ["--block", "--address", address, "--num-cpus=0", "--num-gpus=0", f"--object-store-memory={STORE_BYTES}"]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--disable-usage-stats"]
    node = subprocess.Popen(  # noqa: S603 - our own words
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=without_secrets(os.environ),
        start_new_session=True,  # a Ctrl-C is meant for this process, which ends the node last
    )
    try:
        _await(node, address, gcs)
    except BaseException:
        stop(node)
        raise
    return node


def _await(node: subprocess.Popen[bytes], address: str, gcs: Any) -> None:
    until = time.monotonic() + START_S
    while not is_here(gcs):
        if node.poll() is not None or time.monotonic() > until:
            raise EngineError(
                f"this machine could not become a node of the Ray cluster at {address}; "
                f"see why with: ray start --address {address} --num-cpus 0",
                retryable=False,
            )
        time.sleep(0.2)


def stop(node: subprocess.Popen[bytes]) -> None:
    node.terminate()
    await_end(node, END_S)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as found:
        try:
            found.connect(path)
        except OSError:
            return False
    return True
