"""The middleware that counts and times every request. Each POST starts a trace, or is a part of its caller's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, Tracer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator.api.metrics import ApiMetrics
from infra import tracing

FAULT = 500


class Observed:
    """Counts, times and traces requests. As pure ASGI it lets a stream pass as it comes."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, tracer: Tracer) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, responded = time.monotonic(), False

        def respond(status: int) -> None:
            nonlocal responded
            if not responded:
                responded = True
                self._metrics.responded(_route(scope), scope["method"], status, time.monotonic() - started)
                _tell(span, scope, status)

        async def watched_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                respond(message["status"])
            await send(message)

        with self._serving(scope) as span:
            try:
                await self._app(scope, receive, watched_send)
            except BaseException:
                respond(FAULT)
                raise

    @contextmanager
    def _serving(self, scope: Scope) -> Iterator[Span | None]:
        if scope["method"] != "POST":
            yield None
            return
        parent = tracing.context_of(Headers(scope=scope).get("traceparent"))
        with tracing.span(self._tracer, "POST", SpanKind.SERVER, parent, {"http.request.method": "POST"}) as span:
            yield span


def _tell(span: Span | None, scope: Scope, status: int) -> None:
    if span is None:
        return
    if route := _route(scope):
        span.update_name(f"POST {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= FAULT:
        tracing.failed(span, str(status))


def _route(scope: Scope) -> str | None:
    """The template of the route that the router found. The path itself would name a goal."""
    return getattr(scope.get("route"), "path", None)
