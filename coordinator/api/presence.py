"""Presence: whether the client of a request is still there, for routes that wait. Knows no route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PRESENCE = "manyhands.presence"
_DISCONNECT: Message = {"type": "http.disconnect"}

Gone = Callable[[], bool]


class Presence:
    """Pure ASGI: listens for the end of the connection while a route works, which may be in a thread and hear nothing.

    It begins when a route asks whether its client is there, and lets what is left of a body go by.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        presence = scope[_PRESENCE] = _Listening(receive)
        try:
            await self._app(scope, presence.receive, send)
        finally:
            presence.stop()


class _Listening:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> Gone:
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        return self._gone.is_set

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def receive(self) -> Message:
        """As the route is told; while somebody listens, of the end of the connection alone."""
        if self._task is None:
            return await self._receive()
        await asyncio.shield(self._task)
        return _DISCONNECT

    async def _listen(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        finally:
            self._gone.set()


async def gone_of(request: Request) -> Gone:
    """Whether the request's client has gone; never, where nothing listens. Its body has been read before."""
    presence: _Listening | None = request.scope.get(_PRESENCE)
    return presence.begin() if presence else lambda: False
