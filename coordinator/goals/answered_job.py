"""A job and that of its fallback, as one: what has become of what a caller asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from infra.records import JobState, JobStatus


@dataclass(frozen=True)
class Followed:
    job: JobStatus
    fallback: JobStatus | None = None  #: of the job that was asked the same, as the output was too unsure
    undecided: bool = False  #: the output may be too unsure, and no coordinator has looked yet

    @property
    def state(self) -> JobState:
        """Not ended while another answer may come: then it is that of the fallback's job."""
        if self.undecided:
            return JobState.PENDING
        if self.fallback and not self.fallback.state.ended:
            return self.fallback.state
        return self.job.state

    @property
    def answer(self) -> JobStatus | None:
        """Whose outcome counts: the fallback's, and the job's own where that has no output. None: nobody's yet."""
        if not self.state.ended:
            return None
        has_better = self.fallback and self.fallback.outcome and self.fallback.outcome.output is not None
        return self.fallback if has_better else self.job
