"""A job that this worker holds: its lease, its attempt and its span. Knows no ledger and no other job."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence

from opentelemetry.trace import Span

from infra.records import Job, Outcome
from workers.arrivals import Arrivals
from workers.attempt import Attempt
from workers.leases import Lease
from workers.spans import tell

log = logging.getLogger(__name__)


class HeldJob:
    def __init__(self, lease: Lease, attempt: Attempt, span: Span) -> None:
        self.lease = lease
        self.attempt = attempt
        self._span = span

    @property
    def job(self) -> Job:
        return self.lease.claim.job

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, a reason to stop, or nothing to wait for any more."""
        return self.lease.woken or time.monotonic() >= self.attempt.until

    def close(self, taken: Outcome | None) -> None:
        """End its span. `taken`: the outcome that the ledger accepted, if there is one."""
        self.lease.taken = taken
        tell(self._span, taken)

    def report(self) -> str | None:
        """Log how the claim ended. Returns the kind of failure if there was one."""
        claim, outcome = self.lease.claim, self.lease.taken
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


def parted(held: Sequence[HeldJob], arrivals: Arrivals) -> tuple[list[HeldJob], list[HeldJob]]:
    """Wait for jobs to be over; then those that are, and the others."""
    until = min(each.attempt.until for each in held)
    arrivals.wait(max(0.0, until - time.monotonic()) if until < math.inf else None)
    over: list[HeldJob] = []
    left: list[HeldJob] = []
    for each in held:
        (over if each.is_over else left).append(each)
    return over, left


def in_words(kinds: list[str], jobs: int) -> str | None:
    """What people see of the failures of a message of `jobs` jobs: `timeout`, or `2 of 30 jobs: engine, timeout`."""
    if not kinds:
        return None
    return kinds[0] if jobs == 1 else f"{len(kinds)} of {jobs} jobs: {', '.join(sorted(set(kinds)))}"
