"""The ledger: what is true of runs and jobs. Knows nothing of plans, prompts or the queue's messages.

Two implementations, one body of contract tests: `infra.redis_ledger` and `infra.memory_ledger`.
Every method is atomic, safe to repeat, and may be called from any thread and any process.
Delivery is at least once; commits are exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from infra.records import (
    Claim,
    Event,
    Job,
    JobStatus,
    Json,
    Outcome,
    Refusal,
    RunRecord,
    StepResult,
)

#: Of an event: milliseconds and a number, or the milliseconds alone.
ENTRY_ID = re.compile(r"([0-9]{1,18})(?:-[0-9]{1,18})?")


class Ledger(Protocol):
    # -- runs: the coordinator and the API --

    def create_run(self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event]) -> None:
        """Store a new run and release its first jobs, all or nothing."""

    def load_run(self, run_id: str) -> RunRecord | None: ...

    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        """Save `run` as version `run.version + 1` with its new results and events, and acknowledge outcome entries.

        False, and nothing changed, if the stored version is not `run.version`: somebody else advanced it first.
        Ending a run (`run.state.ended`) cancels its jobs that have not ended; a run that has ended is never changed,
        but the entries are acknowledged even so: they can change nothing any more.
        """

    def acknowledge(self, acks: Sequence[str]) -> None:
        """Acknowledge outcome entries without a run to advance: of a run that is unknown or has ended."""

    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        """Index -> output of every stored result of the step."""

    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        """Up to 1,000 events after entry id `after` ("0": from the start), waiting up to `wait_ms` for the first one.

        Raises ValueError if `after` is no entry id.
        """

    def recent_runs(self, limit: int = 50) -> list[RunRecord]:
        """The newest runs first."""

    # -- jobs: the coordinator --

    def release(self, jobs: Iterable[Job]) -> int:
        """Make jobs ready; those that exist already stay as they are. Returns how many were new.

        Jobs of a run that has ended are not made. Release before `advance`, not after: a crash in between then
        hands the outcome out again and releases the same ids, where the other order would lose them.
        """

    def take_ready(self, window: int) -> list[tuple[str, str]]:
        """Mark ready jobs as sent, oldest first, while fewer than `window` of their type are sent and not claimed.

        Returns (job type, job id) pairs for the caller to put on the queue. A crash before that is mended by `sweep`.
        """

    def wait_ready(self, wait_ms: int) -> None:
        """Return when something became ready, or half of a window that was full was claimed, or after `wait_ms`."""

    def sweep(self, silent_ms: int) -> list[tuple[str, str]]:
        """Mend what crashes leave: running jobs whose lease ran out, and jobs sent but not claimed for `silent_ms`.

        A job that was put on the queue after one that was claimed within `silent_ms` is not silent: it waits its turn.
        They are marked as sent anew and returned as (job type, job id) to be put on the queue again. Jobs past
        their deadline expire; jobs whose lease ran out on their last attempt become dead letters. Both commit
        an outcome.
        A job that stays silent is sent again at growing intervals, up to eight times `silent_ms`: it may only be
        waiting behind others, and every sending leaves one more message on the queue.
        """

    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        """Up to `limit` outcomes not acknowledged yet, as (entry id, outcome), shared among consumers.

        Entries handed to a consumer that did not acknowledge them within 5 s are handed out again soon after.
        """

    # -- jobs: workers --

    def claim(self, job_id: str, worker: str, lease_ms: int) -> Claim | Refusal:
        """Count an attempt and take the lease, or say why not. One round trip."""

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        """Extend the leases of `claims` (job id -> token). Returns the ids no longer held: fenced off or cancelled."""

    def commit(self, outcome: Outcome, token: str) -> bool:
        """Store the outcome and append it to the outcomes, if `token` still holds the job; else False.

        A retryable failure (`outcome.failure.retryable`) while attempts and time are left does not end the job: it is
        ready again, no outcome is appended, and the answer is True. Repeating an accepted commit is True and changes
        nothing. Raises ValueError if `outcome.state` is not an ended one.
        """

    # -- anyone --

    def job(self, job_id: str) -> JobStatus | None: ...

    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        """Job type -> {"ready": n, "sent": n, "running": n, "dead": n, "oldest_ms": n}; of `job_types`, or of all.

        `oldest_ms`: for how long the oldest job that is ready or sent has waited to be claimed; 0 if there is none.
        """

    def unacknowledged(self) -> int:
        """Outcomes that no coordinator has acknowledged yet."""

    def beat(self, worker: str, about: Json, ttl_ms: int) -> None:
        """Record that `worker` is alive, with what it serves, for `ttl_ms`."""

    def leave(self, worker: str) -> None:
        """Forget `worker`: it has ended, or has yet to say that it is alive."""

    def workers(self) -> dict[str, Json]:
        """Live workers and what they said of themselves."""

    def ping(self) -> None:
        """Return if the ledger answers; raise LedgerUnavailable otherwise."""

    def close(self) -> None: ...


class LedgerUnavailable(Exception):
    """The ledger does not answer; the caller may try again."""


class LedgerRefused(LedgerUnavailable):
    """The ledger answers, and refuses this user, key or command: trying again helps once somebody has mended that."""
