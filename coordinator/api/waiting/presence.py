"""Presence: whether the client of a request is still there, for routes that wait. Knows no route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PRESENCE = "manyhands.presence"
_DISCONNECT: Message = {"type": "http.disconnect"}


class Client:
    """Of a request; it never goes, where nothing listens."""

    def __init__(self, listening: asyncio.Task[None] | None = None) -> None:
        self._listening = listening  #: done once it has gone

    @property
    def gone(self) -> bool:
        return self._listening is not None and self._listening.done()

    @contextmanager
    def leaving(self, then: Callable[[], object]) -> Iterator[None]:
        """During the block, `then` is called when the client goes, or soon if it has gone."""

        def tell(_: asyncio.Task[None]) -> None:
            then()

        if self._listening is not None:
            self._listening.add_done_callback(tell)
        try:
            yield
        finally:
            if self._listening is not None:
                self._listening.remove_done_callback(tell)


class Presence:
    """Pure ASGI: listens for the end of the connection while a route waits.

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
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> Client:
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        return Client(self._task)

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
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def client_of(request: Request) -> Client:
    """The client of a request whose body has been read before."""
    presence: _Listening | None = request.scope.get(_PRESENCE)
    return presence.begin() if presence else Client()
