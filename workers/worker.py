"""The worker: claims jobs, has its specialists do them, commits the outcomes. Knows no broker and no model."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from opentelemetry.trace import NoOpTracer, Tracer

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.claims import JobClaims, LeaseRenewal
from infra.queue.protocol import Handler, Redeliver
from infra.records import Claim, Commit, FailureKind, Json, Outcome, Refusal, strayed_line
from specialists.specialist import Specialist
from workers.arrivals import Arrivals
from workers.attempt import Attempt, retry_ms
from workers.capability import Capability
from workers.engines import Elastic, Engine
from workers.exclusive import Room
from workers.held_job import HeldJob, in_words, parted
from workers.leases import Lease, Leases, Stop
from workers.metrics import WorkerMetrics
from workers.pulse import Pulse, PulseLedger
from workers.spans import processing

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
        self._elastic = {name for name, engine in engines.items() if isinstance(engine, Elastic)}
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

    def do(self, *job_ids: str, schemas: str | None = None) -> str | None:
        """Claim, run and commit the jobs of one message. When it returns, the message can be acknowledged. If jobs
        failed, the kinds of failure are returned. `schemas`: the jobs must be made for these; None: for any.

        All jobs are claimed at once and handed to the engine at once. Those that are over soon are committed at once,
        so that one that takes long holds up no other. Everything that guards an attempt is here, in the order in which
        it is entered: a place in the room, the claim, the lease, the room to itself if the job needs that, the span.
        Then come the attempt and its commit.

        Raises Redeliver if the ledger stays away for as long as a lease lasts. A broken worker claims nothing and
        does not raise it: the queue would hand the message straight back, so the coordinator's sweep sends it anew.
        """
        if self._end_if_broken():
            return None
        with self._room.shared():
            claims = self._claim(job_ids, schemas)
            arrivals = Arrivals(len(claims))
            with self._leases.keep(claims, arrivals.add) as leases, self._space_for(leases) as has_space:
                kinds = self._run([self._hold(lease) for lease in leases], arrivals, has_space)
        return in_words(kinds, len(job_ids))

    # -- the steps of `do`, in their order --

    def _claim(self, job_ids: Sequence[str], schemas: str | None) -> list[Claim]:
        """The claims that the ledger grants. Its refusals are counted."""
        patience = time.monotonic() + self._leases.lease_s
        answers = _insist(
            lambda: self._ledger.claim_all(job_ids, self._name, self._leases.lease_ms, schemas),
            lambda: time.monotonic() < patience,
        )
        for job_id, answer in zip(job_ids, answers, strict=True):
            if isinstance(answer, Refusal):
                log.info("claim refused: %s", answer.value, extra={"action": "refuse", "job_id": job_id})
                self._metrics.refused(answer)
            else:
                self._metrics.claimed(answer)
        return [answer for answer in answers if isinstance(answer, Claim)]

    def _space_for(self, leases: Sequence[Lease]) -> AbstractContextManager[bool]:
        """The last attempt at a job that lost workers has this worker for itself. If the job killed the workers, it
        takes no other job with it now. If another job killed them, that one cannot take this job along again.

        The context is False if another attempt has the worker for itself: waiting for that one could kill this one
        too. An engine that has its replicas elsewhere takes care of all that itself.
        """
        suspects = [lease for lease in leases if _is_suspect(lease.claim)]  # the ledger grants each of them alone
        if not suspects or suspects[0].claim.job.type in self._elastic:
            return nullcontext(True)
        return self._room.alone(lambda: suspects[0].stop is not None)

    def _hold(self, lease: Lease) -> HeldJob:
        job_type = lease.claim.job.type
        span = processing(self._tracer, lease.claim, self._name)
        specialist, engine = self._specialists[job_type], self._engines[job_type]
        attempt = Attempt(
            lease.claim, specialist, engine, self._name, lease.wake, self._tracer, span, job_type in self._elastic
        )
        return HeldJob(lease, attempt, span)

    def _run(self, held: Sequence[HeldJob], arrivals: Arrivals, has_space: bool) -> list[str]:
        """Have the jobs answered, and commit what is over. Returns the kinds of failure."""
        kinds: list[str] = []
        left = list(held)
        try:
            for each in held:
                if has_space and not each.lease.stop:
                    each.attempt.begin()
            while left:
                over, left = parted(left, arrivals) if has_space else (left, [])
                kinds += self._end(over, has_space)
        finally:
            for each in left:
                self._close(each, None)
        return kinds

    def _end(self, over: Sequence[HeldJob], has_space: bool) -> list[str]:
        """Commit what came of these jobs, and let go of them. Returns the kinds of failure."""
        taken: dict[str, Outcome] = {}
        try:
            outcomes = [(each, self._outcome(each, has_space)) for each in over]
            taken = self._commit([(each, outcome) for each, outcome in outcomes if outcome])
        finally:
            self._leases.let_go(each.lease for each in over)
            for each in over:
                self._close(each, taken.get(each.lease.claim.token))
        return [kind for each in over if (kind := each.report())]

    def _outcome(self, held: HeldJob, has_space: bool) -> Outcome | None:
        """None if this worker must not say what came of it: the claim was lost or handed back, or the engine broke.

        A job whose engine broke keeps its claim, counted, until the lease runs out, because it may be what broke the
        engine. If it were ready at once, it could spend all its attempts on one broken worker.
        """
        lease = held.lease
        if not has_space:
            self._hand_back(lease, "another job has this worker for itself")
            return None
        outcome = held.attempt.end()
        if lease.stop in (Stop.LOST, Stop.BROKEN) or (outcome and self._broke(held.job.type, outcome)):
            return None
        if lease.stop is Stop.CLOSING and _cut_short(outcome):
            self._hand_back(lease, "this worker stops")
            return None
        return outcome

    def _commit(self, ends: Sequence[tuple[HeldJob, Outcome]]) -> dict[str, Outcome]:
        """Returns the outcomes that the ledger accepted, by token."""
        if not ends:
            return {}
        commits = [self._commit_of(*end) for end in ends]
        accepted = _insist(
            lambda: self._ledger.commit_all(commits),
            lambda: any(each.lease.stop is not Stop.LOST and time.monotonic() < each.lease.until for each, _ in ends),
        )
        return {commit.token: commit.outcome for commit, taken in zip(commits, accepted, strict=True) if taken}

    def _close(self, held: HeldJob, taken: Outcome | None) -> None:
        """Count how the claim ended. `taken`: the outcome, if the ledger accepted one."""
        held.close(taken)
        with self._counting:
            self._done += taken is not None
        # While its commit is on the way, a lease may wrongly be told that it is lost.
        self._metrics.ended(held.lease.claim, taken, lost=taken is None and held.lease.stop is Stop.LOST)

    # -- what the steps need --

    def _commit_of(self, held: HeldJob, outcome: Outcome) -> Commit:
        retry = self._specialists[held.job.type].manifest.retry
        return Commit(outcome, held.lease.claim.token, retry_ms(outcome, retry, random.random()))

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


def _is_suspect(claim: Claim) -> bool:
    """Whether this is the last attempt at a job that has lost workers."""
    return claim.lost > 0 and claim.attempt >= claim.job.attempts
