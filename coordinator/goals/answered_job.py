"""An answered job: a job and its fallback's job, seen as the one job that a caller asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from infra.records import JobState, JobStatus, Json


@dataclass(frozen=True)
class Followed:
    job: JobStatus
    fallback: JobStatus | None = None  #: the fallback's job, which was asked the same after a too unsure output
    undecided: bool = False  #: whether the output may be too unsure, and no coordinator has looked at it yet
    unserved: Json | None = None  #: its job type, if it waits or waited for that and no live worker serves it

    @property
    def state(self) -> JobState:
        """The state of both as one. It is not an ended state while a fallback may still answer."""
        if self.undecided:
            return JobState.PENDING
        if self.fallback and not self.fallback.state.ended:
            return self.fallback.state
        return self.job.state

    @property
    def in_hand(self) -> JobStatus:
        """The job whose outcome is to count: the fallback's, once that was asked."""
        return self.answer or self.fallback or self.job

    @property
    def unclaimed(self) -> bool:
        """Whether no worker has had it, and it waits or has waited in vain."""
        return not self.in_hand.attempt and self.state not in (JobState.CANCELLED, JobState.SUCCEEDED)

    @property
    def answer(self) -> JobStatus | None:
        """The job whose outcome counts: the fallback's if it has an output, else the first. None while none counts."""
        if not self.state.ended:
            return None
        has_better = self.fallback and self.fallback.outcome and self.fallback.outcome.output is not None
        return self.fallback if has_better else self.job
