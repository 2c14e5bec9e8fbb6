"""Pace: how many requests begin or go on in one turn of the event loop, however many come, or leave, at once.

The event loop does all that is ready before it looks at its sockets again. Without a pace, two hundred requests in one
moment would be one turn of a fifth of a second, in which the process answers nobody. Knows no route but `/livez`.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

A_TURN = 8  #: each takes about a millisecond until it waits for something
UNPACED = frozenset({"/livez"})


class Pace:
    def __init__(self, a_turn: int = A_TURN) -> None:
        self._a_turn = a_turn
        self._left = a_turn  #: of this turn
        self._queue: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def turn(self) -> None:
        """Wait for a turn that is not full; those that came first go first."""
        self._begin(asyncio.get_running_loop())
        if self._left and not self._queue:
            self._left -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._queue.append(mine)
        await mine

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the next turn counted, unless this one began so already. Each loop has its own turns."""
        if self._loop is not loop:
            self._loop, self._left = loop, self._a_turn
            self._queue.clear()
            loop.call_soon(self._next)

    def _next(self) -> None:
        self._left = self._a_turn
        while self._queue and self._left:
            first = self._queue.popleft()
            if not first.done():
                first.set_result(None)
                self._left -= 1
        if self._loop and self._left < self._a_turn:
            self._loop.call_soon(self._next)
        else:
            self._loop = None


class Paced:
    """Pure ASGI: each request begins when a turn has room for it. Whether the process answers is told at once."""

    def __init__(self, app: ASGIApp, pace: Pace) -> None:
        self._app = app
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in UNPACED:
            await self._pace.turn()
        await self._app(scope, receive, send)
