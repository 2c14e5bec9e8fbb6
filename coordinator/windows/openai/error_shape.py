"""The error shape: on OpenAI's paths each answer has a request id, and each problem becomes an error of OpenAI's.

It stands outside the guard, so that what the guard, the router and all routes refuse has one shape. Knows no route.
"""

from __future__ import annotations

import json
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator.api.answers.problems import PROBLEM_JSON, problem_body
from coordinator.windows.openai.errors import LONGEST_RETRY_AFTER_S, error_body, is_openais, told_as

REQUEST_ID = "x-request-id"


class ErrorShape:
    """Pure ASGI: only problems are held back until they are whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_openais(scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            # What handles faults for all routes stands outside of this, and sends nothing once an answer has begun.
            await answer.fault(error)
            raise


class _Answer:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False
        self._held: Message | None = None  #: the start of a problem
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = f"req_{uuid4().hex}"
            if headers.get("content-type", "").startswith(PROBLEM_JSON):
                self._held = message
                return
        elif self._held and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_error(self._held, json.loads(self._body))
            return
        await self._send(message)

    async def fault(self, error: Exception) -> None:
        """Say that there is a fault of ours, unless an answer has begun."""
        if self._begun:
            return
        faults = [f"a fault of ours ({type(error).__name__}); see the log"]
        headers = [(b"content-type", PROBLEM_JSON.encode())]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        problem = problem_body(500, "Internal Server Error", faults)
        await self.send({"type": "http.response.body", "body": json.dumps(problem).encode()})

    async def _send_error(self, start: Message, problem: dict[str, object]) -> None:
        body = json.dumps(error_body(start["status"], problem)).encode()
        headers = MutableHeaders(scope=start)
        headers["content-type"], headers["content-length"] = "application/json", str(len(body))
        if (wait := headers.get("retry-after", "")).isdecimal():
            headers["retry-after"] = str(min(int(wait), LONGEST_RETRY_AFTER_S))
        await self._send({**start, "status": told_as(start["status"])})
        await self._send({"type": "http.response.body", "body": body})
