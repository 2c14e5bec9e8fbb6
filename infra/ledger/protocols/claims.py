"""Claims: a worker's right to run one attempt at a job. Knows no specialist and no engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from infra.records import Claim, Commit, Outcome, Refusal


class LeaseRenewal(Protocol):
    """Claims kept alive while their jobs run."""

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        """Extend the leases of `claims` (job id -> token). Returns the ids of jobs that the worker does not hold any
        more, because they were cancelled or another claim has fenced it off."""


class JobClaims(Protocol):
    """Attempts at jobs, from their claims to their ends. Each job has a claim, a lease and an end of its own."""

    def claim_all(
        self, job_ids: Sequence[str], worker: str, lease_ms: int, schemas: str | None = None
    ) -> list[Claim | Refusal]:
        """For each job, count an attempt and take the lease, or say why not. This takes one round trip.

        If several jobs are claimed together and the lease of one runs out, that attempt is not counted after all, and
        the job is claimed alone from then on: any of the others may have killed the worker. A job that goes alone is
        refused where it is named together with others, because it has a message of its own, or gets one.
        A job of a paused type goes back to the front of its line. A job that was made for other schemas than `schemas`
        goes to a line of its own schemas (`strayed_line`), without an attempt counted: from there it is put on a queue
        that workers of these schemas serve.
        """

    def commit_all(self, commits: Sequence[Commit]) -> list[bool]:
        """For each, store the outcome and append it to the outcomes, if its token still holds the job; else the answer
        is False. This takes one round trip, unless the outcomes are large.

        A failure with `retry_ms` does not end the job while attempts are left and its deadline is further away than
        `retry_ms`: the job is ready again after that time, no outcome is appended, and the answer is True. Any other
        failure makes the job a dead letter, unless `Cause.of` its kind is None. Repeating an accepted commit is True
        and changes nothing. An output also answers the jobs that wait for the same one, and is kept for later ones, as
        `Job.reuse` says. Raises ValueError if the state of an outcome is not an ended one.
        """

    def hand_back(self, job_id: str, token: str) -> bool:
        """Undo a claim whose worker ends before its answer: the job is ready again and the first in its line, and the
        attempt is not counted.

        The answer is False if `token` does not hold the job any more. Repeating it is True and changes nothing.
        """


class LoneClaims(JobClaims, Protocol):
    """Claims of one job. Both ledgers inherit it."""

    def claim(self, job_id: str, worker: str, lease_ms: int, schemas: str | None = None) -> Claim | Refusal:
        """As `claim_all` of one job."""
        return self.claim_all([job_id], worker, lease_ms, schemas)[0]

    def commit(self, outcome: Outcome, token: str, retry_ms: int | None = None) -> bool:
        """As `commit_all` of one outcome."""
        return self.commit_all([Commit(outcome, token, retry_ms)])[0]


class ClaimStops(Protocol):
    """Claims whose work is not wanted any more."""

    def stops(self, worker: str, wait_ms: int) -> list[str]:
        """Tokens of the claims of `worker` that are to stop, because their job or its run has ended. Waits up to
        `wait_ms` for the first one.

        Each is handed out once. This is a hint, so that a slot is free at once: `renew` says the same later.
        """
