"""One job in this process's memory, and what became of it. Knows no other job, and no clock."""

from __future__ import annotations

from dataclasses import dataclass

from infra.ledger.payloads import is_large
from infra.ledger.unreadable import PLACE, read_outcome, unread_job
from infra.records import SHARED, Failure, FailureKind, Job, JobState, JobStatus, Outcome, strayed_line


@dataclass
class Entry:
    """`text` and `outcome` are JSON, so that no caller shares a dict with the ledger."""

    text: str
    job: Job  #: the job without its input
    queue_ms: int | None  #: time to claim it in, once it is ready for the first time; None: no limit, or already begun
    since_ms: int = 0  #: when it was last made ready
    claim_until_ms: int | None = None  #: it expires unless it is claimed by then; None: no limit, or claimed once
    state: JobState = JobState.READY
    attempt: int = 0
    token: str | None = None
    committed: str | None = None  #: token of the last accepted commit
    handed: str | None = None  #: token of the last claim that was handed back
    lost: int = 0  #: how many leases ran out
    bundled: bool = False  #: it was last claimed together with others
    alone: bool = False  #: its input is large, or a claim of it together with others was lost
    strayed: bool = False  #: it was offered to a worker of other schemas
    share: float = 0.0  #: how much its tenant's turn grew when it was taken; 0: it is in a line again
    worker: str | None = None
    resends: int = 0
    outcome: str | None = None

    @staticmethod
    def of(job: Job) -> Entry:
        queue_ms = None if job.claim_within_s is None else round(1000 * job.claim_within_s)
        return Entry(job.model_dump_json(), job.model_copy(update={"input": {}}), queue_ms, alone=is_large(job))

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def line(self) -> str:
        """The line that it is in: that of its job type, or that of its own schemas."""
        return strayed_line(self.job.type, self.job.schemas or "") if self.strayed else self.job.type

    @property
    def status(self) -> JobStatus | None:
        if not self.text:
            return None
        return JobStatus(
            job=self.read_job(),
            state=self.state,
            attempt=self.attempt,
            worker=self.worker,
            outcome=self.read_outcome(),
        )

    @property
    def goes_alone(self) -> bool:
        """Whether it has a message of its own."""
        return self.alone or self.job.attempts == 1 or self.lost > 0

    def lose(self) -> None:
        """Note that its lease ran out while it said that it runs.

        A claim of several jobs at once does not count as an attempt, because any of them may have killed the worker.
        """
        if self.bundled:
            self.attempt, self.alone, self.bundled = self.attempt - 1, True, False
        else:
            self.lost += 1

    @property
    def until_ms(self) -> int | None:
        """The time at which it expires, unless it is claimed."""
        limits = [limit for limit in (self.job.deadline_ms, self.claim_until_ms) if limit is not None]
        return min(limits, default=None)

    def line_up(self, now_ms: int) -> None:
        """Make it ready now. If this is the first time, the limit on its wait for a claim begins."""
        self.since_ms, self.share = now_ms, 0.0
        if self.queue_ms is not None:
            self.claim_until_ms, self.queue_ms = now_ms + self.queue_ms, None

    def strip(self) -> None:
        """Forget what it says and how it was answered."""
        self.text, self.outcome = "", None

    def read_job(self) -> Job:
        return Job.model_validate_json(self.text)

    def read_outcome(self) -> Outcome | None:
        return read_outcome(self.outcome) if self.outcome else None

    def late(self, now_ms: int) -> str | None:
        """Why it has expired; None if it has not."""
        if self.job.deadline_ms is not None and self.job.deadline_ms <= now_ms:
            return "its deadline passed before an answer"
        if self.claim_until_ms is not None and self.claim_until_ms <= now_ms:
            return "it was not claimed in time"
        return None

    def may_run_again(self, at_ms: int) -> bool:
        return self.attempt < self.job.attempts and (self.job.deadline_ms is None or self.job.deadline_ms > at_ms)

    def failed(self, state: JobState, message: str) -> Outcome:
        """The outcome of a job that ended without a commit of a worker."""
        return self._ended(state).model_copy(update={"failure": Failure(kind=FailureKind(state), message=message)})

    def unread(self, worker: str) -> Outcome:
        """The outcome of an attempt by a worker that cannot read the job."""
        return unread_job(worker, self._ended(JobState.FAILED).model_dump(include=set(PLACE)))

    def answered(self, outcome: Outcome) -> Outcome:
        """The outcome with the output of another job, which asked the same."""
        shared = {name: getattr(outcome, name) for name in SHARED}
        return self._ended(JobState.SUCCEEDED).model_copy(update=shared | {"same_as": outcome.job_id})

    def _ended(self, state: JobState) -> Outcome:
        return Outcome(
            job_id=self.id,
            run_id=self.job.run_id,
            step_id=self.job.step_id,
            index=self.job.index,
            state=state,
            attempt=self.attempt,
            round=self.job.round,
        )
