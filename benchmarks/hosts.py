"""Hosts on one machine: network namespaces, each behind its own link, and a relay that delays traffic.

Kernels may lack the qdisc `netem`, so a relay makes the delay: it holds back each piece of data, in both directions. It
needs root and `ip`; it knows nothing of the traffic's content.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

NETWORK = "10.213.7"  #: network of the bridge and the hosts, on this machine alone
GATEWAY = f"{NETWORK}.1"
BRIDGE = "mh-hosts"
PIECE_BYTES = 65536


def why_not() -> str | None:
    """Say why there can be no hosts here; None if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the command 'ip' (package iproute2)"
    try:
        _ip("netns", "add", f"{BRIDGE}-probe")
        _ip("netns", "del", f"{BRIDGE}-probe")
    except subprocess.CalledProcessError as error:
        return f"this machine refuses network namespaces: {error.stderr.strip()}"
    return None


class Hosts:
    """A context with `count` hosts that reach this machine at `GATEWAY`, and nothing else."""

    def __init__(self, count: int) -> None:
        self._names = [f"{BRIDGE}-{n}" for n in range(count)]

    def __enter__(self) -> Self:
        self._remove()  # remains of a killed run
        try:
            _ip("link", "add", BRIDGE, "type", "bridge")
            _ip("address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
            _ip("link", "set", BRIDGE, "up")
            for n, name in enumerate(self._names):
                self._add(n, name)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()

    def inside(self, n: int) -> list[str]:
        """The words to put before a command that is to run on host `n`."""
        return ["ip", "netns", "exec", self._names[n]]

    def cut(self, n: int) -> None:
        """Let nothing pass to or from host `n` from now on; its connections are not told."""
        _ip("link", "set", f"mhn{n}", "down")

    def heal(self, n: int) -> None:
        _ip("link", "set", f"mhn{n}", "up")

    def _add(self, n: int, name: str) -> None:
        near, far = f"mhn{n}", f"mhf{n}"
        _ip("netns", "add", name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _ip("link", "set", near, "master", BRIDGE, "up")
        _ip("-n", name, "address", "add", f"{NETWORK}.{n + 2}/24", "dev", far)
        _ip("-n", name, "link", "set", far, "up")
        _ip("-n", name, "link", "set", "lo", "up")

    def _remove(self) -> None:
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            if line.startswith(f"{BRIDGE}-"):
                _ip("netns", "del", line.split()[0])
        # The links are also deleted by name: a namespace, and its end of a link, lasts as long as a process is in it.
        for link in (BRIDGE, *(f"mhn{n}" for n in range(len(self._names)))):
            with suppress(subprocess.CalledProcessError):  # the link does not exist
                _ip("link", "del", link)


class Relay:
    """A context whose thread passes data between `port` of `GATEWAY` and the target, each piece `delay_s` later."""

    def __init__(self, target_port: int, host: str = GATEWAY) -> None:
        self.delay_s = 0.0  #: may be changed at any time
        self.port = 0
        self._host = host
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._connected, self._host, 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        far, to_far = await asyncio.open_connection("127.0.0.1", self._target_port)
        ways = [self._pass(near, to_far), self._pass(far, to_near)]
        # This is cancelled when the relay ends; asyncio would report a raised CancelledError as a fault.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*ways, return_exceptions=True)
        to_near.close()
        to_far.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass pieces on in order, each when it is due; an end of data on one side ends the other side's."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        writing = asyncio.create_task(self._write(pieces, writer))
        try:
            while piece := await reader.read(PIECE_BYTES):
                pieces.put_nowait((self._loop.time() + self.delay_s, piece))
        finally:
            pieces.put_nowait((self._loop.time(), b""))
            await writing

    async def _write(self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(due - self._loop.time())
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
