"""The ledger: what is true of runs and jobs. Knows nothing of plans, prompts or the queue's messages.

Two implementations, one body of contract tests: `infra.ledger.redis.ledger` and `infra.ledger.memory.ledger`.
Delivery is at least once; commits are exactly once. Every method may be called from any thread and any process.

Each is atomic, but for those of many jobs, which are done in pieces, so that they hold up nobody: `release`, `cancel`,
`purge`, `take_ready`, `sweep`; and what follows from an `advance` that ends a run, a `reopen`, and a `commit` whose
output others wait for. What a crash cuts off between two pieces, the caller's repeat does, or the next `sweep`.

Each may be repeated when its answer was lost, and does nothing twice. The repeat's answer: `create_run`, `commit` and
`hand_back` say the same again, or which run was created under the key; `advance` and `reopen` say False, as the version
has moved on; `release`, `cancel` and `purge` count what was left to do; `save_plan` says REPLACED, `delete_plan` False;
`claim` says RUNNING until the lease runs out, which costs an attempt. What a lost answer of `take_ready`, `sweep` or
`outcomes` held comes again later, as after a crash; of `stops` it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from infra.records import (
    Cause,
    Claim,
    DeadLetter,
    Event,
    Idempotency,
    Job,
    JobStatus,
    Json,
    Load,
    Outcome,
    Prior,
    Refusal,
    RunRecord,
    Saving,
    StepResult,
    TypeState,
)

#: Of an event: milliseconds and a number, or the milliseconds alone.
ENTRY_ID = re.compile(r"([0-9]{1,18})(?:-[0-9]{1,18})?")


def check_limit(limit: int) -> None:
    """Raises ValueError."""
    if limit <= 0:
        raise ValueError(f"a limit of {limit} asks for nothing; it must be above 0")


def check_order(weights: Mapping[str, float], ageing_s: float) -> None:
    """Raises ValueError."""
    for tenant, weight in weights.items():
        if not weight > 0:
            raise ValueError(f"tenant {tenant!r} has the weight {weight}; it must be above 0")
    if not ageing_s > 0:
        raise ValueError(f"a job cannot age in {ageing_s} s; it must be above 0")


class Ledger(Protocol):
    # -- runs: the coordinator and the API --

    def create_run(
        self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event], key: Idempotency | None = None
    ) -> Prior | None:
        """Store a new run and release its first jobs, all or nothing; None then.

        Where `key` was used before, nothing is stored, and the answer is what for.
        """

    def find_key(self, key: str) -> Prior | None:
        """What an idempotency key was used for, as long as it is kept."""

    def reopen(self, run: RunRecord, jobs: Sequence[Job], forget: Sequence[str], events: Sequence[Event]) -> bool:
        """Take up a run that has ended, or is unsure: save `run`, which runs, as version `run.version + 1`, and make
        `jobs` ready.

        Jobs that exist start anew: no attempt counted, no outcome, no dead letter. The jobs of a run that had ended are
        of a later round, so that nothing said of the earlier ones counts any more. The results of the steps in `forget`
        are removed. What was to expire with the run stays. False, and nothing changed, if the stored run is running or
        is not of version `run.version`.
        """

    def overdue(self, limit: int = 100) -> list[str]:
        """Ids of unsure runs whose `waits_until_ms` has passed, those first that have waited longest.

        Nothing changes: the caller ends them. Raises ValueError if `limit` is not above 0.
        """

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
        """The newest runs first. Raises ValueError if `limit` is not above 0."""

    # -- saved plans: the API --

    def save_plan(self, tenant: str, name: str, plan: Json, most: int) -> Saving:
        """Keep `plan` under a name, until it is deleted. Of a tenant that has `most` plans no new name is taken."""

    def saved_plan(self, tenant: str, name: str) -> Json | None:
        """None: the tenant has no plan of this name."""

    def saved_plans(self, tenant: str) -> dict[str, Json]:
        """Name -> plan, by name."""

    def delete_plan(self, tenant: str, name: str) -> bool:
        """Whether there was one."""

    # -- jobs: the coordinator --

    def release(self, jobs: Iterable[Job]) -> int:
        """Make jobs ready; those that exist already stay as they are. Returns how many were new.

        One that exists of an earlier round counts as new and starts anew, wherever it was; a worker that runs it is
        told to stop.
        Jobs of a run that has ended are not made. Release before `advance`, not after: a crash in between then
        hands the outcome out again and releases the same ids, where the other order would lose them.
        """

    def cancel(self, job_ids: Sequence[str]) -> int:
        """End jobs as cancelled, each with an outcome; returns how many had not ended. Workers are told at once."""

    def take_ready(
        self, window: int, weights: Mapping[str, float] = MappingProxyType({}), ageing_s: float = 300.0
    ) -> list[tuple[str, str]]:
        """Mark ready jobs as sent while fewer than `window` of their type are sent and not claimed.

        Returns (job type, job id) pairs for the caller to put on the queue. A crash before that is mended by `sweep`.
        Of a type whose speed is measured, the window is smaller where two seconds' work is: what is on the queue
        already is overtaken by nobody.

        The order within a type: first the class whose foremost job ranks highest, where a job ranks one class higher
        for each `ageing_s` that it has been ready (the higher class of two that rank the same); then the tenant that
        has had the least, counted in `Job.tokens` by its weight (1 where `weights` says nothing) since it last had
        nothing to wait for; then the job that was ready first. None of a paused type. A job that goes back to its line
        before an answer is not counted until it is taken again.
        Raises ValueError if a weight or `ageing_s` is not above 0.
        """

    def wait_ready(self, wait_ms: int) -> None:
        """Return when something became ready, or half of a window that was full was claimed, or after `wait_ms`.

        What waits for its next attempt becomes ready when its time has come.
        """

    def sweep(self, silent_ms: int) -> list[tuple[str, str]]:
        """Mend what crashes leave: running jobs whose lease ran out, and jobs sent but not claimed for `silent_ms`.

        A job that was put on the queue after one that was claimed within `silent_ms` is not silent: it waits its turn.
        They are marked as sent anew and returned as (job type, job id) to be put on the queue again. Jobs past
        their deadline, or never claimed within their `queue_s`, expire; jobs whose lease ran out on their last attempt
        become dead letters. Both commit an outcome. None of a paused type is sent; dead letters older than the
        retention are forgotten.
        A job that stays silent is sent again at growing intervals, up to eight times `silent_ms`: it may only be
        waiting behind others, and every sending leaves one more message on the queue.
        """

    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        """Up to `limit` outcomes not acknowledged yet, as (entry id, outcome), shared among consumers.

        Entries handed to a consumer that did not acknowledge them within 5 s are handed out again soon after. Raises
        ValueError if `limit` is not above 0.
        """

    # -- jobs: workers --

    def claim(self, job_id: str, worker: str, lease_ms: int) -> Claim | Refusal:
        """Count an attempt and take the lease, or say why not. One round trip.

        A job of a paused type goes back to the front of its line.
        """

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        """Extend the leases of `claims` (job id -> token). Returns the ids no longer held: fenced off or cancelled."""

    def commit(self, outcome: Outcome, token: str, retry_ms: int | None = None) -> bool:
        """Store the outcome and append it to the outcomes, if `token` still holds the job; else False.

        A failure with `retry_ms`, while attempts are left and time beyond `retry_ms`, does not end the job: it is
        ready again after so long, no outcome is appended, and the answer is True. Any other failure makes it a dead
        letter, where `Cause.of` its kind says of what cause. Repeating an accepted commit is True and changes nothing.
        An output answers the jobs that wait for the same one, and is kept for later ones, as `Job.reuse` says. Raises
        ValueError if `outcome.state` is not an ended one.
        """

    def hand_back(self, job_id: str, token: str) -> bool:
        """Undo a claim whose worker ends before its answer: ready again, first in its line, the attempt not counted.

        False if `token` does not hold the job any more. Repeating it is True and changes nothing.
        """

    def stops(self, worker: str, wait_ms: int) -> list[str]:
        """Tokens of claims of `worker` that are to stop, as their job or its run has ended; waits for the first.

        Each is handed out once. A hint, so that a slot is free at once: `renew` says the same, later.
        """

    # -- anyone --

    def job(self, job_id: str) -> JobStatus | None:
        """None: unknown, or purged, or some of what it needs is not kept any more."""

    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        """Job type -> number of its jobs, by where they are; of `job_types`, or of all that ever had a job.

        "pending", "ready", "sent" and "running", and the dead letters by cause: "poison", "failed" and "unprocessable".
        "oldest_ms": for how long the oldest job that is ready or sent has waited to be claimed; 0 if there is none. Of
        the ready ones, the foremost of each class and tenant are looked at.
        """

    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        """What waits of each of `job_types`; those that never had a job have nothing waiting."""

    def set_type_state(self, job_type: str, state: TypeState) -> None:
        """Open, pause or drain a job type. It takes effect with the next job; what runs ends as it would."""

    def type_states(self) -> dict[str, TypeState]:
        """Of the types that are not open."""

    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        """The newest first, of one or all types and causes. Raises ValueError if `limit` is not above 0."""

    def purge(self, job_ids: Sequence[str]) -> int:
        """Forget dead letters, with all that is kept of the jobs; returns how many there were.

        While a run goes on, it is remembered of its jobs that they have ended, so that none is made anew.
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
