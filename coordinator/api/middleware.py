"""Every request of the API, counted and timed; each POST is the start of a trace, or a part of its caller's."""

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
    """Pure ASGI: a stream passes as it comes."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, tracer: Tracer) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, answered = time.monotonic(), False

        def answer(status: int) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._metrics.answered(_route(scope), scope["method"], status, time.monotonic() - started)
                _tell(span, scope, status)

        async def watched_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer(message["status"])
            await send(message)

        with self._serving(scope) as span:
            try:
                await self._app(scope, receive, watched_send)
            except BaseException:
                answer(FAULT)
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
    """The template of the route that the router found; never the path itself, which names a goal."""
    return getattr(scope.get("route"), "path", None)
