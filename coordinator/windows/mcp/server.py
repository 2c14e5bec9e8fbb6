"""The MCP server: answers what clients ask of tools, and tells those that listen when the tools change.

It answers two kinds of clients. Those of revision 2026-07-28 send requests that each stand alone, and may listen for
changes. Those of older revisions begin with `initialize`. It keeps no session for them, because the API may run as
several processes and each request has to be asked as its own key's tenant; so nothing is sent to them unasked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from coordinator.api.answers.problems import Problem
from coordinator.api.asked.headers import tenant as tenant_of
from coordinator.windows.mcp.answers import refused
from coordinator.windows.mcp.calls import Calls
from coordinator.windows.mcp.goal_tools import GOAL_STATUS, SUBMIT_GOAL
from coordinator.windows.mcp.offered import Offered

#: How often the tools are looked at, and for how long a client may take a list of them as fresh.
LOOK_S = 1.0
FRESH_MS = 10_000
#: The most clients of this process that listen for changes.
LISTENERS = 128

_INSTRUCTIONS = (
    "Each tool but submit_goal and goal_status is a small specialist model or a plain function that does one narrow "
    "job. A tool that could not do its job says why, and never makes up an answer. submit_goal plans over all of them."
)
Context = ServerRequestContext[Any, Any]


class McpServer:
    def __init__(self, offered: Offered, calls: Calls, body_bytes: int) -> None:
        self._offered = offered
        self._calls = calls
        self._body_bytes = body_bytes

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ASGIApp]:
        """What takes requests, for as long as the block runs."""
        bus = InMemorySubscriptionBus()
        listening = ListenHandler(bus, max_subscriptions=LISTENERS)
        await run_in_threadpool(self._offered.has_changed)
        manager = StreamableHTTPSessionManager(
            self._server(listening), stateless=True, max_request_body_size=self._body_bytes
        )
        async with manager.run(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, bus)
            try:
                yield manager.handle_request
            finally:
                listening.close()
                tasks.cancel_scope.cancel()

    def _server(self, listening: ListenHandler) -> Server[Any]:
        server: Server[Any] = Server(
            "manyhands",
            version=version("manyhands"),
            instructions=_INSTRUCTIONS,
            cache_hints={"tools/list": CacheHint(ttl_ms=FRESH_MS), "server/discover": CacheHint(ttl_ms=FRESH_MS)},
            get_tool_input_schema=self._offered.input_schema,
            on_list_tools=self._list,
            on_call_tool=self._call,
            on_subscriptions_listen=listening,
        )
        server.middleware.clear()  # spans of its own, beside those that each request of the API has
        return server

    async def _list(self, _: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        """All of them at once."""
        if params and params.cursor:
            raise MCPError(INVALID_PARAMS, "tools/list has one page, so it takes no cursor")
        return ListToolsResult(tools=await run_in_threadpool(self._offered.look))

    async def _call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        name = params.name
        if name not in (SUBMIT_GOAL, GOAL_STATUS) and not await run_in_threadpool(self._offered.has, name):
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name[:64]}")
        try:
            tenant = await tenant_of(context.request.headers.get("x-tenant") if context.request else None)
        except Problem as problem:
            return refused(problem)
        return await self._calls.answer(name, params.arguments or {}, tenant)

    async def _watch(self, bus: InMemorySubscriptionBus) -> None:
        while True:
            await anyio.sleep(LOOK_S)
            if await run_in_threadpool(self._offered.has_changed):
                await bus.publish(ToolsListChanged())
