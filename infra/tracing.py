"""Tracing: the spans of one goal across processes. When it is off, only the API of OpenTelemetry is imported.

A span says what was done, which process did it and how long that took. It never holds a word of a goal, a prompt or an
answer. Exceptions are not recorded either, because their messages may quote one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    NoOpTracer,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from infra.loopback import is_loopback
from infra.settings import SettingError, Settings

if TYPE_CHECKING:  # the SDK is an extra
    from opentelemetry.sdk.trace import TracerProvider

#: The names and values are those of OpenTelemetry's messaging conventions.
MESSAGING = {"messaging.system": "celery"}
#: How long sending one batch of spans to the collector may take, with retries. It delays a process's end at most so.
EXPORT_S = 5.0

_HEADER = "traceparent"
_propagator = TraceContextTextMapPropagator()


@contextmanager
def traced(settings: Settings, process: str) -> Iterator[Tracer]:
    """A tracer for as long as the block runs. Its last spans are sent at the end. Raises SettingError."""
    if settings.otlp_endpoint is None:
        yield NoOpTracer()
        return
    provider = _provider(settings.otlp_endpoint, process)
    try:
        yield provider.get_tracer("manyhands", version("manyhands"))
    finally:
        provider.shutdown()


def is_on(tracer: Tracer) -> bool:
    """Whether it is worth computing what a span would say."""
    return not isinstance(tracer, NoOpTracer)


@contextmanager
def span(
    tracer: Tracer,
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Span]:
    """Open a span below `parent`, or else below the current one. Of an exception the span shows only the type."""
    if not is_on(tracer):
        yield INVALID_SPAN
        return
    with tracer.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            failed(current, type(error).__name__)
            raise


def begin(
    tracer: Tracer,
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Span:
    """A span that is open until its `end` is called, and that is nobody's current one: a thread may have several."""
    if not is_on(tracer):
        return INVALID_SPAN
    return tracer.start_span(name, parent, kind, attributes)


def below(span: Span) -> Context:
    """The context for spans below `span`."""
    return set_span_in_context(span, Context())


def failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def traceparent(span: Span | None = None) -> str | None:
    """The W3C traceparent of `span`, or of the current span; None if it belongs to no trace."""
    context = (span or get_current_span()).get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def context_of(parent: str | None) -> Context:
    """The context for spans below a traceparent. If there is none that can be read, the context belongs to no trace."""
    return _propagator.extract({_HEADER: parent}, Context()) if parent else Context()


def _provider(endpoint: str, process: str) -> TracerProvider:
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        message = (
            f"MANYHANDS_OTLP_ENDPOINT: traces need the extra 'otel' ({error}); install manyhands[otel] or unset it"
        )
        raise SettingError(message) from error
    about = {"service.name": f"manyhands-{process}", "service.version": version("manyhands")}
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    session = requests.Session()
    session.trust_env = not is_loopback(endpoint)  # a proxy of the environment is not asked for this machine
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S, session=session)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
