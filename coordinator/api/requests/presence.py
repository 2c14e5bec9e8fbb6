"""Presence: tells routes that wait whether the client of their request is still there. Knows no route."""

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
    """Listens for the end of the connection while a route works, which cannot listen itself if it is in a thread.

    It is pure ASGI. It begins to listen when a route asks whether its client is there, and drops the rest of the body.
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
        """Receive the next message for the route. While the connection is listened to, only its end is passed on."""
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
    """A function that says whether the request's client has gone. Without a listener it says no.

    The body of the request must have been read before."""
    presence: _Listening | None = request.scope.get(_PRESENCE)
    return presence.begin() if presence else lambda: False
