"""An MCP server asked by the client of the `mcp` package, in both revisions of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

#: As the client calls them: revision 2026-07-28, which has no session, and the ones before it, which shake hands.
REVISIONS = ("2026-07-28", "legacy")
Answer = TypeVar("Answer")


@asynccontextmanager
async def connected(url: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode, cache=None) as client,
    ):
        yield client


def ask(url: str, then: Callable[[Client], Awaitable[Answer]], mode: str = "auto", **headers: str) -> Answer:
    """What `then` gets of a connected client. Raises MCPError by itself, not in a group."""

    async def asked() -> Answer | MCPError:
        async with connected(url, mode, **headers) as client:
            try:
                return await then(client)
            except MCPError as error:
                return error

    answer = anyio.run(asked)
    if isinstance(answer, MCPError):
        raise answer
    return answer


def call(url: str, name: str, arguments: Any, mode: str = "auto", **headers: str) -> Any:
    """The result of one tool call."""
    return ask(url, lambda client: client.call_tool(name, arguments), mode, **headers)


def text_of(result: Any) -> str:
    return str(result.content[0].text)
