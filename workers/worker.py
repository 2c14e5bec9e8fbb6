"""The worker: claims jobs, has its specialists do them, commits the outcomes. Knows no broker and no model."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from opentelemetry.trace import NoOpTracer, Tracer

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.claims import ClaimStops, JobClaims, LeaseRenewal
from infra.ledger.protocols.job_types import JobCounts
from infra.ledger.protocols.workers import WorkerPresence
from infra.logs import where
from infra.queue.protocol import Handler, Redeliver
from infra.records import Claim, FailureKind, Outcome, Refusal, strayed_line
from specialists.specialist import Specialist
from workers.attempt import Attempt, retry_ms
from workers.capability import Capability
from workers.engines import Elastic, Engine, distinct
from workers.exclusive import Room
from workers.leases import Lease, Leases, Stop
from workers.metrics import WorkerMetrics
from workers.spans import processing, tell

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Between two tries at a ledger that does not answer: the first wait, doubled each time, and the longest.
BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 2.0

#: The ledger is asked for claims to stop, and answers after so long if there is none.
STOPS_MS = 1_000


class WorkerLedger(JobClaims, ClaimStops, LeaseRenewal, WorkerPresence, JobCounts, Protocol):
    """Claims and their leases, this worker's signs of life, and how much waits for it."""


class Worker:
    """A context: one thread renews the leases and tells the ledger that this worker lives, one hears of cancels."""

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
        """`engines`: by the specialist's name; several may share one. `give_up` is called, perhaps
        often, when one of them or this worker itself has broken. `tokens_per_s`: measured, for others to see."""
        self._ledger = ledger
        self._specialists = {specialist.name: specialist for specialist in specialists}
        self._engines = dict(engines)
        self._name = name
        self._lease_s = lease_s
        self._capability = Capability(self._specialists.values(), self._engines, slots, tokens_per_s)
        self._done = 0  #: jobs whose outcome the ledger took; guarded by the next
        self._counting = threading.Lock()
        self._give_up = give_up
        self._metrics = metrics or WorkerMetrics()
        self._tracer = tracer or NoOpTracer()
        self._leases = Leases(ledger, lease_s, self._cancel)
        self._room = Room()
        self._broken = threading.Event()
        self._retired = threading.Event()
        self._ended = threading.Event()
        self._metrics.watch(self._engines, slots, lambda: len(self._leases))
        self._threads = [
            threading.Thread(target=self._beat_until_ended, name="pulse", daemon=True),
            threading.Thread(target=self._stop_until_ended, name="stops", daemon=True),
        ]

    def __enter__(self) -> Self:
        self._beat()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        try:
            self._ledger.leave(self._name)
        except LedgerUnavailable as error:
            log.warning("cannot say that this worker has ended: %s", error, extra={"action": "leave"})

    def handlers(self) -> dict[str, Handler]:
        """For each specialist its queue, and that of jobs which a worker of other schemas was offered."""
        found: dict[str, Handler] = {}
        for name, each in self._specialists.items():
            found[name] = found[strayed_line(name, each.schemas)] = partial(self.do, schemas=each.schemas)
        return found

    def healthy(self) -> bool:
        if self._broken.is_set() or self._retired.is_set():
            return False
        return all(engine.healthy() for engine in self._engines.values())

    def beats(self) -> bool:
        """Whether its own threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def retire(self) -> None:
        """It is of no use any more, for a reason outside of it: healthy no longer, and not listed from its next beat
        on. What it runs may end."""
        self._retired.set()

    def do(self, job_id: str, schemas: str | None = None) -> str | None:
        """Claim, run and commit one job. When it returns, the message that named the job is done with; the kind of
        failure is returned where there was one. `schemas`: that it is done here for; None: whichever it was made for.

        Raises Redeliver if the ledger stays away for as long as a lease lasts. A broken worker claims nothing and
        does not raise it: the queue would hand the message straight back, so the coordinator's sweep sends it anew.
        """
        if not self.healthy():
            self._stop()
            return None
        with self._room.shared():
            return self._do(job_id, schemas)

    def _do(self, job_id: str, schemas: str | None) -> str | None:
        patience = time.monotonic() + self._lease_s
        claim = _insist(
            lambda: self._ledger.claim(job_id, self._name, self._leases.lease_ms, schemas),
            lambda: time.monotonic() < patience,
        )
        if isinstance(claim, Refusal):
            log.info("claim refused: %s", claim.value, extra={"action": "refuse", "job_id": job_id})
            self._metrics.refused(claim)
            return None
        self._metrics.claimed(claim)
        with processing(self._tracer, claim, self._name) as span:
            outcome = self._answer(claim)
            tell(span, outcome)
        with self._counting:
            self._done += outcome is not None
        _report(claim, outcome)
        return outcome.failure.kind.value if outcome and outcome.failure else None

    def _answer(self, claim: Claim) -> Outcome | None:
        """Run the claim and commit what came of it; None if the ledger did not take it."""
        taken: Outcome | None = None
        with self._leases.keep(claim) as lease:
            try:
                outcome = self._run(lease)
                taken = outcome if outcome and self._commit(outcome, lease) else None
            finally:
                # A lease may be told that it is lost, wrongly, while its commit is on the way.
                self._metrics.ended(claim, taken, lost=taken is None and lease.stop is Stop.LOST)
        return taken

    def _run(self, lease: Lease) -> Outcome | None:
        """None as `_attempt` says, or if it has to be alone and another has: if it waited, that could kill it too."""
        with self._space_for(lease) as has_space:
            if has_space:
                return self._attempt(lease)
        self._hand_back(lease, "another job has this worker for itself")
        return None

    def _space_for(self, lease: Lease) -> AbstractContextManager[bool]:
        """The last attempt at a job of which workers were lost has this one for itself: if it killed them, it takes no
        other job with it now; if another one did, that cannot take it along again.

        An engine that has its replicas elsewhere sees to that itself.
        """
        claim = lease.claim
        is_suspect = claim.lost > 0 and claim.attempt >= claim.job.attempts
        if not is_suspect or isinstance(self._engines[claim.job.type], Elastic):
            return nullcontext(True)
        return self._room.alone(lambda: lease.stop is not None)

    def drain(self, grace_s: float) -> None:
        """Let what runs end within `grace_s`; after that it goes back to the ledger for others. Returns at once."""
        log.info("draining", extra={"action": "drain", "jobs": len(self._leases)})
        timer = threading.Timer(grace_s, self._leases.close)
        timer.daemon = True
        timer.start()

    def _attempt(self, lease: Lease) -> Outcome | None:
        """None if whatever came out of it is not ours to say: the claim was lost or handed back, or the engine broke.

        A job whose engine broke keeps its claim, counted, until the lease runs out: it may be what broke the engine.
        Ready at once, it could spend all its attempts on one broken worker.
        """
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

    def _broke(self, job_type: str, outcome: Outcome) -> bool:
        failure = outcome.failure
        if not failure or failure.kind is not FailureKind.ENGINE or not failure.retryable:
            return False
        if self._engines[job_type].healthy():
            return False
        self._stop()
        return True

    def _hand_back(self, lease: Lease, why: str) -> None:
        """The next attempt is another's, and this one is not counted: it is no fault of the job's."""
        job = lease.claim.job
        if not self._engines[job.type].healthy():
            return
        _insist(
            lambda: self._ledger.hand_back(job.id, lease.claim.token),
            lambda: time.monotonic() < lease.until,
        )
        log.info("handed back: %s", why, extra={"action": "hand_back", "job_id": job.id})

    def _commit(self, outcome: Outcome, lease: Lease) -> bool:
        again_ms = retry_ms(outcome, self._specialists[lease.claim.job.type].manifest.retry, random.random())
        return _insist(
            lambda: self._ledger.commit(outcome, lease.claim.token, again_ms),
            lambda: lease.stop is not Stop.LOST and time.monotonic() < lease.until,
        )

    def _cancel(self, claim: Claim) -> None:
        self._engines[claim.job.type].cancel(claim.token)

    def _beat_until_ended(self) -> None:
        while not self._ended.wait(self._lease_s / 3):
            try:
                self._leases.abandon([name for name, engine in self._engines.items() if not engine.healthy()])
                self._leases.renew()
                self._beat()
                self._expect()
            except LedgerUnavailable as error:
                log.warning("cannot renew leases: %s", error, extra={"action": "renew", "jobs": len(self._leases)})
            except Exception as error:  # noqa: BLE001 - a pulse that ended unseen would let every lease run out
                log.critical("the pulse raised %s\n%s", type(error).__name__, where(error), extra={"action": "renew"})
                self._broken.set()  # but it beats on: what runs now may still end
            if not self.healthy():
                self._stop()

    def _stop_until_ended(self) -> None:
        """What the ledger has ended stops at once: its slot is for others."""
        while not self._ended.is_set():
            try:
                self._leases.lose(self._ledger.stops(self._name, STOPS_MS))
                continue
            except LedgerUnavailable as error:
                log.warning("cannot hear of cancelled jobs: %s", error, extra={"action": "stops"})
            except Exception as error:  # noqa: BLE001 - the pulse finds what was cancelled too, if later
                name = type(error).__name__
                log.error("asking for stops raised %s\n%s", name, where(error), extra={"action": "stops"})
            self._ended.wait(LONGEST_BACKOFF_S)

    def _stop(self) -> None:
        log.critical("this worker or an engine of it has broken; it stops", extra={"action": "stop"})
        self._give_up()

    def _expect(self) -> None:
        """Tell the engines that can grow what waits for them."""
        elastic = {name: engine for name, engine in self._engines.items() if isinstance(engine, Elastic)}
        depths = self._ledger.depths(list(elastic)) if elastic else {}
        for engine in distinct(elastic.values()):
            waits = [depths[name] for name, host in elastic.items() if host is engine and name in depths]
            waiting = sum(each["ready"] + each["sent"] for each in waits)
            engine.expect(waiting, max((each["oldest_ms"] for each in waits), default=0) / 1000)

    def _beat(self) -> None:
        """It counts as gone when a lease would: after three beats missed."""
        if self._retired.is_set():
            self._ledger.leave(self._name)
        else:
            about = self._capability.about(len(self._leases), self._done)
            self._ledger.beat(self._name, about, self._leases.lease_ms)


def _insist(ask: Callable[[], T], worthwhile: Callable[[], bool]) -> T:
    """What the ledger answers, asked again while it is away. Raises Redeliver when that is not worthwhile any more."""
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
    """Whether an attempt that was to stop has done so: it has no outcome, or its engine's word that it was stopped."""
    failure = outcome.failure if outcome else None
    return outcome is None or bool(failure and failure.kind is FailureKind.ENGINE and failure.retryable)


def _report(claim: Claim, outcome: Outcome | None) -> None:
    fields = {"action": "commit", "job_id": claim.job.id, "job_type": claim.job.type, "attempt": claim.attempt}
    if outcome is None:
        log.warning("no outcome: the claim was lost or handed back", extra=fields | {"action": "drop"})
    elif outcome.failure:
        kind = outcome.failure.kind.value
        log.warning("job failed: %s", kind, extra=fields | {"kind": kind, "retryable": outcome.failure.retryable})
    else:
        log.info("job succeeded", extra=fields | {"run_ms": outcome.usage.run_ms})
