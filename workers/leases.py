"""Leases: the claims that this worker runs, kept alive in the ledger. Knows no specialist and no engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from infra.ledger.protocols.claims import LeaseRenewal
from infra.records import Claim, Outcome


class Stop(StrEnum):
    """Why an attempt is to stop before its answer."""

    LOST = "lost"  #: the job was cancelled, or another claim has fenced this one off
    BROKEN = "broken"  #: its engine can end no request any more
    CLOSING = "closing"  #: the worker ends and its grace period is over


class Lease:
    """One running claim. Its runner waits until `woken`; the caller that ends the attempt early says why in `stop`."""

    def __init__(self, claim: Claim, until: float, woke: Callable[[], None] = lambda: None) -> None:
        """`woke` is called once, when the lease is woken."""
        self.claim = claim
        self.until = until  #: `time.monotonic()` at which it runs out unless renewed
        self.stop: Stop | None = None
        self.taken: Outcome | None = None  #: the outcome, once the ledger has accepted it
        self._woke = woke
        self._waking = threading.Lock()  # held for good once it is woken

    @property
    def woken(self) -> bool:
        """Whether the attempt is over: there is an answer, or a reason to stop."""
        return self._waking.locked()

    def wake(self) -> None:
        if self._waking.acquire(blocking=False):
            self._woke()

    def end(self, why: Stop) -> None:
        self.stop = self.stop or why
        self.wake()


class Leases:
    def __init__(self, ledger: LeaseRenewal, lease_s: float, cancel: Callable[[Claim], None]) -> None:
        """`cancel` stops the engine's work for a claim. The thread that asks for the end calls it."""
        self._ledger = ledger
        self.lease_s = lease_s
        self._cancel = cancel
        self._running: dict[str, Lease] = {}  # by token
        self._closed = False
        self._lock = threading.Lock()  # guards both of these

    @contextmanager
    def keep(self, claims: Sequence[Claim], woke: Callable[[], None] = lambda: None) -> Iterator[list[Lease]]:
        """Renew the claims while the context lasts, each until it is let go. `woke` is called once for each lease.

        An older claim of the same job is lost: it ran out while this worker was cut off, and the job came back to it.
        """
        until = time.monotonic() + self.lease_s
        leases = {claim.job.id: Lease(claim, until, woke) for claim in claims}
        with self._lock:
            older = [each for each in self._running.values() if each.claim.job.id in leases]
            self._running |= {lease.claim.token: lease for lease in leases.values()}
            closed = self._closed
        for each in older:
            self._end(each, Stop.LOST)
        for lease in leases.values() if closed else ():
            lease.end(Stop.CLOSING)
        try:
            yield list(leases.values())
        finally:
            self.let_go(leases.values())

    def let_go(self, leases: Iterable[Lease]) -> None:
        """Renew these no more: their jobs are over."""
        with self._lock:
            for lease in leases:
                self._running.pop(lease.claim.token, None)

    def renew(self) -> None:
        """Extend all leases; stop the attempts whose claim is lost. Raises LedgerUnavailable."""
        # Of each job the newest lease remains, because it comes last.
        leases = {lease.claim.job.id: lease for lease in self._all() if lease.stop in (None, Stop.CLOSING)}
        if not leases:
            return
        asked_at = time.monotonic()
        lost = self._ledger.renew({job_id: lease.claim.token for job_id, lease in leases.items()}, self.lease_ms)
        for job_id, lease in leases.items():
            if job_id in lost:
                self._end(lease, Stop.LOST)
            else:
                lease.until = asked_at + self.lease_s

    def lose(self, tokens: Iterable[str]) -> None:
        """Stop the attempts that have these tokens, because their jobs have ended."""
        for token in tokens:
            with self._lock:
                lease = self._running.get(token)
            if lease:
                self._end(lease, Stop.LOST)

    def abandon(self, job_types: Container[str]) -> None:
        """Stop the attempts at jobs of these types, and renew their leases no more."""
        for lease in self._all():
            if lease.claim.job.type in job_types:
                self._end(lease, Stop.BROKEN)

    def close(self) -> None:
        """Stop every attempt that still runs, and any that begins later."""
        with self._lock:
            self._closed = True
        for lease in self._all():
            self._end(lease, Stop.CLOSING)

    @property
    def lease_ms(self) -> int:
        return round(self.lease_s * 1000)

    def __len__(self) -> int:
        return len(self._running)

    def _all(self) -> list[Lease]:
        with self._lock:
            return list(self._running.values())

    def _end(self, lease: Lease, why: Stop) -> None:
        lease.end(why)
        self._cancel(lease.claim)
