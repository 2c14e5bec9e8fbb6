"""Presence: whether the client of a request is still there, for routes that wait. Knows no route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GONE = "manyhands.gone"

Gone = Callable[[], bool]


class Presence:
    """Pure ASGI: listens for the end of the connection while a route works, which may be in a thread and hear nothing.

    It reads one message ahead, so that a body comes no faster than the route takes it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gone, ahead = Event(), asyncio.Queue[Message](maxsize=1)
        scope[_GONE] = gone

        async def listen() -> None:
            while not gone.is_set():
                message = await receive()
                if message["type"] == "http.disconnect":
                    gone.set()
                await ahead.put(message)

        async def heard() -> Message:
            if gone.is_set() and ahead.empty():
                return {"type": "http.disconnect"}
            return await ahead.get()

        listening = asyncio.create_task(listen())
        try:
            await self._app(scope, heard, send)
        finally:
            listening.cancel()


async def gone_of(request: Request) -> Gone:
    """Whether the request's client has gone; never, where nothing listens."""
    gone: Event | None = request.scope.get(_GONE)
    return gone.is_set if gone else lambda: False
