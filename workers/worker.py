"""The worker: claims jobs, has its specialists do them, commits the outcomes. Knows no broker and no model."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from opentelemetry.trace import NoOpTracer, Tracer

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.claims import JobClaims, LeaseRenewal
from infra.queue.protocol import Handler, Redeliver
from infra.records import Claim, FailureKind, Json, Outcome, Refusal, strayed_line
from specialists.specialist import Specialist
from workers.attempt import Attempt, retry_ms
from workers.capability import Capability
from workers.engines import Elastic, Engine
from workers.exclusive import Room
from workers.leases import Lease, Leases, Stop
from workers.metrics import WorkerMetrics
from workers.pulse import Pulse, PulseLedger
from workers.spans import processing, tell

T = TypeVar("T")

log = logging.getLogger(__name__)

#: The wait between two tries at a ledger that does not answer: the first one, which doubles each time, and the longest.
BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 2.0


class WorkerLedger(JobClaims, LeaseRenewal, PulseLedger, Protocol):
    """Claims and their leases, this worker's signs of life, and how much waits for it."""


class Worker:
    """A context: while it lasts, the worker's pulse beats. `do` may be called from any number of threads."""

    def __init__(
        self,
        ledger: WorkerLedger,
        specialists: Iterable[Specialist],
        engines: Mapping[str, Engine],
        name: str,
        lease_s: float,
        slots: int,
        give_up: Callable[[], None] = lambda: None,
        tokens_per_s: float | None = None,
        metrics: WorkerMetrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """`engines`: by the specialist's name; several specialists may share one. `give_up` is called, perhaps
        often, when an engine or this worker itself has broken. `tokens_per_s`: measured, for others to see."""
        self._ledger = ledger
        self._specialists = {specialist.name: specialist for specialist in specialists}
        self._engines = dict(engines)
        self._name = name
        self._capability = Capability(self._specialists.values(), self._engines, slots, tokens_per_s)
        self._done = 0  #: jobs whose outcome the ledger accepted; guarded by `_counting`
        self._counting = threading.Lock()
        self._give_up = give_up
        self._metrics = metrics or WorkerMetrics()
        self._tracer = tracer or NoOpTracer()
        self._leases = Leases(ledger, lease_s, self._cancel)
        self._room = Room()
        self._pulse = Pulse(ledger, name, self._leases, self._engines, self._about, self._end_if_broken)
        self._metrics.watch(self._engines, slots, lambda: len(self._leases))

    def __enter__(self) -> Self:
        self._pulse.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pulse.__exit__(kind, error, at)

    def handlers(self) -> dict[str, Handler]:
        """Handlers for two queues of each specialist: its own, and the one for strayed jobs (`strayed_line`)."""
        found: dict[str, Handler] = {}
        for name, each in self._specialists.items():
            found[name] = found[strayed_line(name, each.schemas)] = partial(self.do, schemas=each.schemas)
        return found

    def healthy(self) -> bool:
        if self._pulse.broken or self._pulse.retired:
            return False
        return all(engine.healthy() for engine in self._engines.values())

    def beats(self) -> bool:
        """Whether its own threads run."""
        return self._pulse.beats()

    def retire(self) -> None:
        """Give the worker up for a reason outside of it: it is not healthy any more, and from its next beat on it is
        not listed. Its running jobs may end."""
        self._pulse.retire()

    def drain(self, grace_s: float) -> None:
        """Let running jobs end within `grace_s`; after that they go back to the ledger for others. Returns at once."""
        log.info("draining", extra={"action": "drain", "jobs": len(self._leases)})
        timer = threading.Timer(grace_s, self._leases.close)
        timer.daemon = True
        timer.start()

    def do(self, job_id: str, schemas: str | None = None) -> str | None:
        """Claim, run and commit one job. When it returns, the message that named the job can be acknowledged. If the
        job failed, the kind of failure is returned. `schemas`: the job must be made for these; None: for any.

        Everything that guards an attempt is here, in the order in which it is entered: a place in the room, the claim,
        the span, the lease, and the room to itself if the job needs that. Then come the attempt and its commit.

        Raises Redeliver if the ledger stays away for as long as a lease lasts. A broken worker claims nothing and
        does not raise it: the queue would hand the message straight back, so the coordinator's sweep sends it anew.
        """
        if self._end_if_broken():
            return None
        with self._room.shared():
            claim = self._claim(job_id, schemas)
            if claim is None:
                return None
            with (
                processing(self._tracer, claim, self._name) as span,
                self._leases.keep(claim) as lease,
                self._counted(lease),
            ):
                with self._space_for(lease) as has_space:
                    outcome = self._attempt(lease, has_space)
                lease.taken = self._commit(outcome, lease)
                tell(span, lease.taken)
        return _reported(lease)

    # -- the steps of `do`, in their order --

    def _claim(self, job_id: str, schemas: str | None) -> Claim | None:
        """None if there is nothing to do. The ledger's refusal is counted."""
        patience = time.monotonic() + self._leases.lease_s
        claim = _insist(
            lambda: self._ledger.claim(job_id, self._name, self._leases.lease_ms, schemas),
            lambda: time.monotonic() < patience,
        )
        if isinstance(claim, Refusal):
            log.info("claim refused: %s", claim.value, extra={"action": "refuse", "job_id": job_id})
            self._metrics.refused(claim)
            return None
        self._metrics.claimed(claim)
        return claim

    @contextmanager
    def _counted(self, lease: Lease) -> Iterator[None]:
        """Count how the claim ended when the context ends, whatever was raised in it."""
        try:
            yield
        finally:
            with self._counting:
                self._done += lease.taken is not None
            # While its commit is on the way, a lease may wrongly be told that it is lost.
            self._metrics.ended(lease.claim, lease.taken, lost=lease.taken is None and lease.stop is Stop.LOST)

    def _space_for(self, lease: Lease) -> AbstractContextManager[bool]:
        """The last attempt at a job that lost workers has this worker for itself. If the job killed the workers, it
        takes no other job with it now. If another job killed them, that one cannot take this job along again.

        The context is False if another attempt has the worker for itself: waiting for that one could kill this one
        too. An engine that has its replicas elsewhere takes care of all that itself.
        """
        claim = lease.claim
        is_suspect = claim.lost > 0 and claim.attempt >= claim.job.attempts
        if not is_suspect or isinstance(self._engines[claim.job.type], Elastic):
            return nullcontext(True)
        return self._room.alone(lambda: lease.stop is not None)

    def _attempt(self, lease: Lease, has_space: bool) -> Outcome | None:
        """None if this worker must not say what came of it: the claim was lost or handed back, or the engine broke.

        A job whose engine broke keeps its claim, counted, until the lease runs out, because it may be what broke the
        engine. If it were ready at once, it could spend all its attempts on one broken worker.
        """
        if not has_space:
            self._hand_back(lease, "another job has this worker for itself")
            return None
        job_type = lease.claim.job.type
        attempt = Attempt(
            lease.claim, self._specialists[job_type], self._engines[job_type], self._name, lease.woken, self._tracer
        )
        outcome = None if lease.stop else attempt.run()
        if lease.stop in (Stop.LOST, Stop.BROKEN) or (outcome and self._broke(job_type, outcome)):
            return None
        if lease.stop is Stop.CLOSING and _cut_short(outcome):
            self._hand_back(lease, "this worker stops")
            return None
        return outcome

    def _commit(self, outcome: Outcome | None, lease: Lease) -> Outcome | None:
        """Returns the outcome if the ledger accepted it."""
        if outcome is None:
            return None
        again_ms = retry_ms(outcome, self._specialists[lease.claim.job.type].manifest.retry, random.random())
        taken = _insist(
            lambda: self._ledger.commit(outcome, lease.claim.token, again_ms),
            lambda: lease.stop is not Stop.LOST and time.monotonic() < lease.until,
        )
        return outcome if taken else None

    # -- what the steps need --

    def _broke(self, job_type: str, outcome: Outcome) -> bool:
        failure = outcome.failure
        if not failure or failure.kind is not FailureKind.ENGINE or not failure.retryable:
            return False
        if self._engines[job_type].healthy():
            return False
        self._stop()
        return True

    def _hand_back(self, lease: Lease, why: str) -> None:
        """Leave the next attempt to another worker. This attempt is not counted: it is no fault of the job's."""
        job = lease.claim.job
        if not self._engines[job.type].healthy():
            return
        _insist(
            lambda: self._ledger.hand_back(job.id, lease.claim.token),
            lambda: time.monotonic() < lease.until,
        )
        log.info("handed back: %s", why, extra={"action": "hand_back", "job_id": job.id})

    def _cancel(self, claim: Claim) -> None:
        self._engines[claim.job.type].cancel(claim.token)

    def _about(self) -> Json:
        return self._capability.about(len(self._leases), self._done)

    def _end_if_broken(self) -> bool:
        if self.healthy():
            return False
        self._stop()
        return True

    def _stop(self) -> None:
        log.critical("this worker or an engine of it has broken; it stops", extra={"action": "stop"})
        self._give_up()


def _insist(ask: Callable[[], T], worthwhile: Callable[[], bool]) -> T:
    """The ledger's answer, asked for again while the ledger is away. Raises Redeliver when that is not worthwhile."""
    wait_s = BACKOFF_S
    while True:
        try:
            return ask()
        except LedgerUnavailable as error:
            if not worthwhile():
                raise Redeliver from error
            log.warning("the ledger does not answer, asking again in %.1f s", wait_s, extra={"action": "wait"})
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_BACKOFF_S)


def _cut_short(outcome: Outcome | None) -> bool:
    """Whether an attempt that was to stop has done so: it has no outcome, or the engine says that it was stopped."""
    failure = outcome.failure if outcome else None
    return outcome is None or bool(failure and failure.kind is FailureKind.ENGINE and failure.retryable)


def _reported(lease: Lease) -> str | None:
    """Log how the claim ended. Returns the kind of failure if there was one."""
    claim, outcome = lease.claim, lease.taken
    fields = {"action": "commit", "job_id": claim.job.id, "job_type": claim.job.type, "attempt": claim.attempt}
    if outcome is None:
        log.warning("no outcome: the claim was lost or handed back", extra=fields | {"action": "drop"})
        return None
    if outcome.failure is None:
        log.info("job succeeded", extra=fields | {"run_ms": outcome.usage.run_ms})
        return None
    kind = outcome.failure.kind.value
    log.warning("job failed: %s", kind, extra=fields | {"kind": kind, "retryable": outcome.failure.retryable})
    return kind
