"""Jobs as the coordinator and its API see them: made, looked at, ended early, sent. Knows no worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from infra.records import Job, JobState, JobStatus, Message


class JobReader(Protocol):
    """One job by its id. Everybody who shows or traces a job uses it."""

    def job(self, job_id: str) -> JobStatus | None:
        """None if the job is unknown or was purged, or if something that it needs is not kept any more."""


class JobLister(Protocol):
    """Many jobs by their ids, for lists of them."""

    def job_states(self, job_ids: Sequence[str]) -> list[JobState | None]:
        """The state of each job, in one round trip; None for a job that is unknown."""

    def jobs(self, job_ids: Sequence[str]) -> list[JobStatus | None]:
        """As `job` of each, in one round trip. Large values of the inputs may be left out: null stands for them."""


class JobRelease(Protocol):
    """Jobs that a decision about a run makes, and jobs that it ends."""

    def release(self, jobs: Iterable[Job]) -> int:
        """Make jobs ready, and return how many of them were new. Jobs that exist already stay as they are.

        A job that exists of an earlier round counts as new and starts anew, wherever it was; a worker that runs it is
        told to stop. Jobs of a run that has ended are not made.
        Call `release` before `advance`, not after it: if the caller crashes in between, the outcome is then handed out
        again and the same ids are released again. In the other order the jobs would be lost.
        """

    def cancel(self, job_ids: Sequence[str]) -> int:
        """End jobs as cancelled, each with an outcome; returns how many had not ended. Workers are told at once."""


class JobDispatch(Protocol):
    """Ready jobs on their way to the queue. The coordinator's sending loop and its sweep use it."""

    def take_ready(
        self,
        window: int,
        weights: Mapping[str, float] = MappingProxyType({}),
        ageing_s: float = 300.0,
        workers: Mapping[str, int] = MappingProxyType({}),
    ) -> list[Message]:
        """Mark ready jobs as sent while fewer than `window` jobs of their type are sent and not claimed.

        Returns messages for the caller to put on the queue. If the caller crashes before it does so, `sweep` mends
        that. If the speed of a type is measured, its window is two seconds' work where that is smaller,
        because a job that is on the queue already cannot be overtaken.

        The order within a type has three rules. First comes the class whose foremost job ranks highest: a job ranks one
        class higher for each `ageing_s` that it has been ready, and of two that rank the same the higher class wins.
        Then comes the tenant that has had the least since it last had nothing to wait for, counted in `Job.tokens`
        divided by its weight (1 if `weights` does not name it). Then comes the job that was ready first. Of a paused
        type no job is taken. A job that goes back to its line before an answer is not counted until it is taken again.
        Raises ValueError if a weight or `ageing_s` is not above 0.

        A message names one job, unless the type's speed is measured and `workers` says how many workers of the type
        there are. Then it names several ready jobs: up to a tenth of a second's work of one worker, and no more than
        one worker's share of what is ready. A job is never kept waiting for others. A job goes alone if its input is
        large, if it may be claimed only once, or if an earlier claim of it was lost.
        """

    def wait_ready(self, wait_ms: int) -> None:
        """Return when a job became ready, or when half of a full window was claimed, or after `wait_ms`.

        A job that waits for its next attempt becomes ready when its time has come.
        """

    def sweep(self, silent_ms: int) -> list[Message]:
        """Mend what crashes leave: running jobs whose lease ran out, and jobs sent but not claimed for `silent_ms`.

        These jobs are marked as sent anew, and returned for the caller to put on the queue again, one in each message.
        A job that was put on the queue after one that was claimed within `silent_ms` is not silent: it waits its turn.
        Jobs past their deadline, and jobs never claimed within their `claim_within_s`, expire; jobs whose lease ran out
        on their last attempt become dead letters. Both commit an outcome. No job of a paused type is sent. Dead letters
        older than the retention are forgotten.
        A job that stays silent is sent again at growing intervals, up to eight times `silent_ms`: it may only be
        waiting behind others, and every sending leaves one more message on the queue.
        """
