"""The window: the route `/mcp`, and what it answers where the `mcp` package is not installed. Calls no tool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Protocol

from anyio import Event, create_task_group, sleep_forever
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coordinator.api.answers.problems import problem_response
from coordinator.api.waiting.places import Places
from coordinator.api.waiting.waits import Waits
from coordinator.goals.goals import Goals
from coordinator.windows.mcp.origin import origin_fault
from infra.settings import Settings
from specialists.catalog import Catalog

PATH = "/mcp"


class Opens(Protocol):
    def open(self) -> AbstractAsyncContextManager[ASGIApp]:
        """What takes requests, for as long as the block runs."""


class McpWindow:
    """Pure ASGI. It takes requests while it is open, and loads what serves them when the first one comes: importing the
    package takes as much as half of all else that an API process imports."""

    def __init__(self, goals: Goals, catalog: Catalog, places: Places, waits: Waits, settings: Settings) -> None:
        self._parts = goals, catalog, places, waits, settings
        self._settings = settings
        self._made: Opens | None = None
        self._server: ASGIApp | None = None

    @property
    def route(self) -> Route:
        return Route(PATH, endpoint=self, include_in_schema=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self._asked, self._ready = Event(), Event()
        async with create_task_group() as tasks:
            tasks.start_soon(self._serve)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def _serve(self) -> None:
        """In a task of the whole process: what a request begins would be cut short with it."""
        await self._asked.wait()
        assert self._made
        async with self._made.open() as self._server:
            self._ready.set()
            await sleep_forever()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answers = self._refusal(scope) or await self._loaded()
        with suppress(ClientDisconnect):  # before all of its request was read
            await answers(scope, receive, send)

    async def _loaded(self) -> ASGIApp:
        if find_spec("mcp") is None:
            return _not_installed()
        if self._made is None:
            self._made = await run_in_threadpool(_server_of, *self._parts)
        self._asked.set()
        await self._ready.wait()
        assert self._server
        return self._server

    def _refusal(self, scope: Scope) -> Response | None:
        if fault := origin_fault(Headers(scope=scope), self._settings):
            return problem_response(403, "Not from this page", [fault])
        if scope["method"] != "POST":
            # Without sessions there is nothing that a client could listen to by GET, or end by DELETE.
            return problem_response(405, "Method Not Allowed", ["send MCP messages by POST"], {"Allow": "POST"})
        return None


def _server_of(goals: Goals, catalog: Catalog, places: Places, waits: Waits, settings: Settings) -> Opens:
    # Imported here, because the API starts without the package.
    from coordinator.windows.mcp.calls import Calls
    from coordinator.windows.mcp.offered import Offered
    from coordinator.windows.mcp.server import McpServer

    return McpServer(Offered(catalog), Calls(goals, waits, places), settings.api_body_bytes)


def _not_installed() -> Response:
    fault = "this deployment has not the mcp package: install manyhands with its extra `mcp`, and start the API again"
    return problem_response(501, "MCP is not served here", [fault])
