"""The server: uvicorn, and connections whose end is noticed while a request on them waits. Knows no route."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

#: A peer that answers nothing for as long has gone: its machine lost power, or it never reads what it is sent.
SILENT_S = 60
#: A peer that nothing is sent to is asked whether it is still there, so often.
ASKED_S = 15
#: What may come of further requests while one waits. A client that sends more is heard again when that one is answered.
AHEAD_BYTES = 65_536

_OPTIONS = {
    "TCP_KEEPIDLE": ASKED_S,
    "TCP_KEEPINTVL": ASKED_S,
    "TCP_USER_TIMEOUT": 1000 * SILENT_S,
}  # not on all systems


class Connection(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _OPTIONS.items():
            if option := getattr(socket, name, None):
                peer.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        """uvicorn reads no more once the next request has begun to come, so it would not see that the client closes."""
        super().data_received(data)
        if self.conn.their_state is h11.DONE and len(self.conn.trailing_data[0]) <= AHEAD_BYTES:
            self.flow.resume_reading()


def server_of(api: FastAPI, host: str, port: int, **options: Any) -> uvicorn.Server:
    """`options`: as uvicorn's configuration has them."""
    return uvicorn.Server(
        uvicorn.Config(
            api,
            host=host,
            port=port,
            http=Connection,
            log_config=None,
            server_header=False,
            access_log=False,
            **options,
        )
    )
