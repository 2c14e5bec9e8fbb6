"""One attempt at one job: checks the input, renders the prompt, awaits the answer and parses it. Knows no ledger."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

from opentelemetry.trace import INVALID_SPAN, NoOpTracer, Span, Tracer

from infra import tracing
from infra.logs import where
from infra.records import Claim, Failure, FailureKind, Job, JobState, Json, Outcome, Provenance, Usage
from specialists.confidence import Calibration
from specialists.manifest import Retry
from specialists.specialist import AnswerError, Specialist, UnwritableError
from workers.alternatives import alternatives_of
from workers.engines import Completion, Engine, EngineError, Finish, PromptTooLong
from workers.requests import request_for
from workers.spans import inferring, tell_completion

log = logging.getLogger(__name__)

#: An engine looks at the deadline itself. If it has not answered this long after the deadline, nobody waits for it.
OVERDUE_S = 5.0

#: An unusable answer may have been chance, so it is tried once more; a model that fails twice would fail again.
TRIES_AT_AN_ANSWER = 2


class AttemptFailed(Exception):
    def __init__(self, kind: FailureKind, message: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.failure = Failure(kind=kind, message=message, retryable=retryable)


class Attempt:
    def __init__(
        self,
        claim: Claim,
        specialist: Specialist,
        engine: Engine,
        worker: str,
        over: Callable[[], None],
        tracer: Tracer | None = None,
        span: Span = INVALID_SPAN,
        elastic: bool = False,
    ) -> None:
        """`elastic`: the engine is Elastic; to ask that of an object takes as long as to render a prompt.

        `over` is called when there is an answer, by whichever thread has it. `span`: the attempt's."""
        self._claim = claim
        self._specialist = specialist
        self._engine = engine
        self._worker = worker
        self._over = over
        self._tracer = tracer or NoOpTracer()
        self._span = span
        self._elastic = elastic
        self._inferring: Span = INVALID_SPAN
        self._fault: Exception | None = None
        self._future: Future[Completion] | None = None
        self._started = time.monotonic()
        self._answered = math.inf  #: `time.monotonic()` at which the engine ended it
        self.until = math.inf  #: `time.monotonic()` after which nobody waits for the engine

    def begin(self) -> None:
        """Hand it to the engine. This raises nothing: a fault is told by `end`."""
        try:
            self._future = self._submit()
        except Exception as error:  # noqa: BLE001 - raised again in `end`
            self._fault = error
            self._over()
        else:
            self._future.add_done_callback(lambda _: self._end_wait())

    def end(self) -> Outcome | None:
        """How it ended; None if it has no answer yet. Call it once. A failure is an outcome, and never raised."""
        completion = None
        try:
            completion = self._complete()
            return self._outcome(completion, output=self._read(completion)) if completion else None
        except AttemptFailed as failed:
            return self._outcome(completion, failure=failed.failure)
        except Exception as error:  # noqa: BLE001 - formats are anybody's code: a fault in one must end its job alone
            name = type(error).__name__
            log.error("attempt raised %s\n%s", name, where(error), extra={"job_id": self._claim.job.id})
            message = f"{name} in specialist {self._specialist.name!r}; the worker's log says where"
            return self._outcome(None, failure=Failure(kind=FailureKind.ENGINE, message=message))

    def _end_wait(self) -> None:
        self._answered = time.monotonic()
        self._over()

    def _submit(self) -> Future[Completion]:
        job = self._claim.job
        if faults := self._specialist.input_faults(job.input):
            raise AttemptFailed(FailureKind.INVALID_INPUT, "; ".join(faults))
        limit_s = self._limit_s()
        deadline = None if limit_s is None else time.monotonic() + limit_s
        self.until = math.inf if limit_s is None else time.monotonic() + max(0.0, limit_s) + OVERDUE_S
        request = request_for(self._specialist, job.input, self._claim.token, deadline, job.timeout_s, job.top)
        self._inferring = inferring(self._tracer, self._specialist, self._engine, request, self._span)
        return self._engine.submit(request)

    def _complete(self) -> Completion | None:
        try:
            completion = self._answer()
        except Exception as error:
            tracing.failed(self._inferring, type(error).__name__)
            self._inferring.end()
            raise _engine_failed(error) if isinstance(error, EngineError) else error from error
        tell_completion(self._inferring, completion)
        return completion

    def _answer(self) -> Completion | None:
        """Raises EngineError, and what `begin` met."""
        if self._fault:
            raise self._fault
        if self._future and self._future.done():
            return _result(self._future)
        self._engine.cancel(self._claim.token)  # once more, in case the engine did not know of it when it was stopped
        return Completion("", Finish.DEADLINE) if time.monotonic() >= self.until else None

    def _limit_s(self) -> float | None:
        """Seconds until the attempt must end, begun or not; None if it ends when the engine ends it.

        The limits are the job's deadline and its time-out. An elastic engine keeps to the time-out itself and counts it
        from the beginning of the work, because a request is not to blame for waiting for a replica.
        """
        limits = [] if self._elastic else [self._claim.job.timeout_s]
        if self._claim.job.deadline_ms is not None:
            limits.append(self._claim.job.deadline_ms / 1000 - time.time())
        return min(limits, default=None)

    def _read(self, completion: Completion) -> Json:
        again = self._claim.attempt < TRIES_AT_AN_ANSWER
        match completion.finish:
            case Finish.DEADLINE if _expired(self._claim.job):
                raise AttemptFailed(FailureKind.EXPIRED, "its deadline passed before an answer")
            case Finish.DEADLINE:
                message = f"no answer within {self._claim.job.timeout_s:g} s"
                raise AttemptFailed(FailureKind.TIMEOUT, message, retryable=True)
            case Finish.CANCELLED:
                raise AttemptFailed(FailureKind.ENGINE, "the engine stopped the request", retryable=True)
            case Finish.LENGTH:
                message = f"the answer was not whole after {completion.tokens_out} tokens"
                raise AttemptFailed(FailureKind.INVALID_OUTPUT, message, again)
        try:
            return self._specialist.parse(completion.text, self._claim.job.input)
        except AnswerError as error:
            again = again and not isinstance(error, UnwritableError)
            raise AttemptFailed(FailureKind.INVALID_OUTPUT, str(error), again) from error

    def _outcome(
        self, completion: Completion | None, output: Json | None = None, failure: Failure | None = None
    ) -> Outcome:
        job, answered = self._claim.job, completion if output is not None else None
        return Outcome(
            job_id=job.id,
            run_id=job.run_id,
            step_id=job.step_id,
            index=job.index,
            state=_state(failure),
            attempt=self._claim.attempt,
            output=output,
            failure=failure,
            usage=self._usage(completion or Completion("", Finish.STOP)),
            provenance=provenance_of(self._specialist, self._engine, self._worker),
            confidence=confidence_of(self._specialist, answered.probability) if answered else None,
            round=job.round,
            alternatives=alternatives_of(self._specialist, answered.ranked) if answered else None,
        )

    def _usage(self, completion: Completion) -> Usage:
        return Usage(
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            forced=completion.forced,
            reused=completion.reused,
            cut=completion.cut,
            wait_ms=self._claim.wait_ms,
            run_ms=round((min(self._answered, time.monotonic()) - self._started) * 1000),
        )


def retry_ms(outcome: Outcome, retry: Retry, chance: float) -> int | None:
    """Milliseconds until the job is to be tried again; None if it is not. `chance` is in [0, 1)."""
    failure = outcome.failure
    if not failure or not failure.retryable or failure.kind in retry.never:
        return None
    return retry.wait_ms(outcome.attempt, chance)


def provenance_of(specialist: Specialist, engine: Engine, worker: str) -> Provenance:
    base, adapter = specialist.manifest.base, specialist.manifest.adapter
    return Provenance(
        worker=worker,
        specialist=f"{specialist.name}@{specialist.manifest.version}",
        digest=specialist.digest,
        engine=engine.name,
        base="@".join(filter(None, (base.name, base.sha256))) if base else None,
        adapter=adapter.sha256 if adapter else None,
        precision=engine.precision,
        engine_version=engine.build,
        trained=specialist.manifest.trained,
    )


def confidence_of(specialist: Specialist, probability: float | None) -> float | None:
    """How sure a valid output is, by the model's own probability; None if that is unknown, or the model untrained."""
    if probability is None or not specialist.manifest.trained:
        return None
    calibration = specialist.manifest.confidence or Calibration()
    return round(calibration.confidence(probability), 4)


def _result(future: Future[Completion]) -> Completion:
    """Raises EngineError."""
    try:
        return future.result()
    except CancelledError:
        return Completion("", Finish.CANCELLED)


def _engine_failed(error: EngineError) -> AttemptFailed:
    kind = FailureKind.TOO_LONG if isinstance(error, PromptTooLong) else FailureKind.ENGINE
    return AttemptFailed(kind, str(error), error.retryable)


def _state(failure: Failure | None) -> JobState:
    if failure is None:
        return JobState.SUCCEEDED
    return JobState.EXPIRED if failure.kind is FailureKind.EXPIRED else JobState.FAILED


def _expired(job: Job) -> bool:
    return job.deadline_ms is not None and time.time() * 1000 >= job.deadline_ms
