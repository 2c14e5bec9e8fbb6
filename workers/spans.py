"""Spans of a worker, in the words of OpenTelemetry's messaging and GenAI conventions. Never a word of a job."""

from __future__ import annotations

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer
from opentelemetry.util.types import AttributeValue

from infra import tracing
from infra.records import Claim, Outcome
from specialists.specialist import Specialist
from workers.engines import Completion, Engine, Request


def processing(tracer: Tracer, claim: Claim, worker: str) -> Span:
    """The span of one attempt at a job, below the span that made the job."""
    if not tracing.is_on(tracer):
        return INVALID_SPAN
    job = claim.job
    attributes: dict[str, AttributeValue] = {
        **tracing.MESSAGING,
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": job.type,
        "messaging.message.id": job.id,
        "messaging.client.id": worker,
        "manyhands.goal.id": job.run_id,
        "manyhands.step.id": job.step_id,
        "manyhands.attempt": claim.attempt,
        "manyhands.wait_s": claim.wait_ms / 1000,
    }
    parent = tracing.context_of(job.trace)
    return tracing.begin(tracer, f"process {job.type}", SpanKind.CONSUMER, parent, attributes)


def tell(span: Span, outcome: Outcome | None) -> None:
    """Say how the attempt ended, and end the span; None means without an outcome that the ledger accepted."""
    span.set_attribute("manyhands.state", outcome.state if outcome else "dropped")
    if outcome is None:
        tracing.failed(span, "dropped")
    elif outcome.failure:
        tracing.failed(span, outcome.failure.kind)
    span.end()


def inferring(tracer: Tracer, specialist: Specialist, engine: Engine, request: Request, attempt: Span) -> Span:
    """The span of the engine's part of an attempt: from the request to its completion."""
    if not tracing.is_on(tracer):
        return INVALID_SPAN
    base = specialist.manifest.base if specialist.manifest.hosts_model else None
    operation = "text_completion" if base else "execute_tool"
    subject = base.name if base else specialist.name
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": engine.name,
        "manyhands.specialist": f"{specialist.name}@{specialist.manifest.version}",
    }
    if base:
        attributes |= {"gen_ai.request.model": base.name, "gen_ai.request.max_tokens": request.max_tokens}
    else:
        attributes |= {"gen_ai.tool.name": specialist.name, "gen_ai.tool.type": "function"}
    return tracing.begin(tracer, f"{operation} {subject}", parent=tracing.below(attempt), attributes=attributes)


def tell_completion(span: Span, completion: Completion | None) -> None:
    """Say what the engine did, and end the span; None means that the attempt was stopped before a completion."""
    if completion is None:
        tracing.failed(span, "stopped")
        span.end()
        return
    span.set_attribute("gen_ai.usage.input_tokens", completion.tokens_in)
    span.set_attribute("gen_ai.usage.output_tokens", completion.tokens_out)
    span.set_attribute("gen_ai.response.finish_reasons", [completion.finish])
    span.set_attribute("manyhands.tokens.forced", completion.forced)
    span.set_attribute("manyhands.tokens.reused", completion.reused)
    span.set_attribute("manyhands.characters.cut", completion.cut)
    span.end()
