"""A relay in front of a server that may be swapped, as a virtual IP or a proxy is. Knows nothing of what is sent."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

PIECE_BYTES = 65536


class Relay:
    """A context: its thread passes on what comes to `port` of this machine to `target`, and what comes back."""

    def __init__(self, target: int) -> None:
        """`target`: a port of this machine."""
        self.port = 0
        self._target = target
        self._silenced = 0  #: the links of all targets before this one are dead, and do not say so
        self._targets = 0  #: there have been
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._links: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def point_at(self, target: int, silently: bool = False) -> None:
        """New links lead to port `target`. The others are cut; or `silently` left to swallow what is sent, without a
        word to anybody, as when the machine behind them has lost its power."""
        self._target = target
        self._targets += 1
        if silently:
            self._silenced = self._targets
        else:
            self.cut()

    def cut(self) -> None:
        """Close all links, of both sides."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _cut(self) -> None:
        for link in (links := list(self._links)):
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        assert link
        self._links.add(link)
        # Cancelled by a cut, refused by a server that is away: either way this link has ended, and is to be seen so.
        with suppress(asyncio.CancelledError, OSError):
            await self._join(near, to_near)
        to_near.close()
        self._links.discard(link)

    async def _join(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        number = self._targets
        far, to_far = await asyncio.open_connection("127.0.0.1", self._target)
        ways = {asyncio.create_task(self._pass(*way, number)) for way in ((near, to_far), (far, to_near))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_far.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while piece := await reader.read(PIECE_BYTES):
            if number >= self._silenced:
                writer.write(piece)
                await writer.drain()
        if number < self._silenced:  # the other side must not hear of its end either
            await asyncio.Event().wait()
