"""A coordinator's spans: one for deciding about a run, one for each job sent. They hold no word of a goal."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.util.types import Attributes

from coordinator.runs.run import Run
from infra import tracing
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.jobs import JobReader
from infra.records import Job

logger = logging.getLogger(__name__)


def advancing(tracer: Tracer, run: Run, outcomes: int) -> AbstractContextManager[Span]:
    """The span of deciding about a run, below the span of the request that brought the run in."""
    attributes: Attributes = {"manyhands.goal.id": run.id, "messaging.batch.message_count": outcomes}
    return tracing.span(tracer, "advance", SpanKind.INTERNAL, tracing.context_of(run.trace), attributes)


def below(span: Span, jobs: Sequence[Job]) -> Sequence[Job]:
    """The jobs with `span` as their parent, if it is recorded."""
    if not span.is_recording():
        return jobs
    trace = tracing.traceparent(span)
    return [job.model_copy(update={"trace": trace}) for job in jobs]


@contextmanager
def sending(tracer: Tracer, ledger: JobReader, jobs: Sequence[tuple[str, str]]) -> Iterator[None]:
    """One span for each (job type, job id), below the span that made the job.

    Only the ledger knows that span, so it is asked if traces are written. If it does not answer, the jobs are sent
    without spans, because they are marked as sent already."""
    with ExitStack() as spans:
        try:
            for job_type, job_id in jobs if tracing.is_on(tracer) else ():
                parent = tracing.context_of(_trace_of(ledger, job_id))
                spans.enter_context(_sending_one(tracer, job_type, job_id, parent))
        except LedgerUnavailable as error:
            logger.warning("jobs are sent without spans: %s", error, extra={"action": "send"})
        yield


def _trace_of(ledger: JobReader, job_id: str) -> str | None:
    """The job's trace; None also if the job cannot be read, as it is sent all the same."""
    try:
        status = ledger.job(job_id)
    except ValueError as error:
        kind = type(error).__name__
        logger.error(
            "a job does not read (%s): its span has no parent", kind, extra={"action": "send", "job_id": job_id}
        )
        return None
    return status.job.trace if status else None


def _sending_one(tracer: Tracer, job_type: str, job_id: str, parent: Context) -> AbstractContextManager[Span]:
    attributes: Attributes = {
        **tracing.MESSAGING,
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": job_type,
        "messaging.message.id": job_id,
    }
    return tracing.span(tracer, f"send {job_type}", SpanKind.PRODUCER, parent, attributes)
