"""The verdict: from what was asked and what happened to violations. Believes the ledger in nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.chaos_audit import Committed, Entry, Journals
from benchmarks.chaos_goals import Asked
from coordinator.goals import Goals
from coordinator.run import Run
from infra.ledger import Ledger
from infra.records import Job, JobState, RunState

Outages = Sequence[tuple[float, float]]  #: of Redis: Unix times of its death and of its next answer
UNWRITTEN_MS = 2_500

#: Kind of violation -> how it is seen.
KINDS = {
    "lost": "a goal that was accepted is unknown, or has ended with a job that is unknown or has not",
    "wrong": "a goal or a job ended otherwise than the harness computed from its input",
    "twice": "the audit has two ends of one job and round, or a goal was taken in twice under one idempotency key",
    "stale": "a commit was let in although its claim was not the job's last",
    "hanging": "a goal has not ended although the killing has, and nothing moves any more",
    "lease": "a job was claimed again while a lease that was granted or renewed for it had not run out",
    "undone": "a worker was told that its output is in, Redis has no such commit, and was not killed just then",
    "blind": "a job has ended and the audit has no end of it: the harness looks in the wrong place",
}


@dataclass(frozen=True)
class Violation:
    kind: str
    about: str  #: the job or goal, and what is wrong with it


class Evidence:
    """The audit by job."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.by_job: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.by_job[entry.job].append(entry)

    def ends(self, job_id: str) -> list[Entry]:
        return [entry for entry in self.by_job[job_id] if entry.what == "end"]

    def attempts(self) -> Counter[int]:
        """How many jobs had how many claims."""
        return Counter(sum(entry.what == "claim" for entry in entries) for entries in self.by_job.values())


def judge(
    ledger: Ledger,
    goals: Goals,
    accepted: Mapping[str, Asked],
    evidence: Evidence,
    journals: Journals,
    outages: Outages,
) -> list[Violation]:
    runs = {run.id: run for run in goals.recent(100_000)}
    found = [Violation("lost", f"goal {id}: accepted, and unknown now") for id in accepted.keys() - runs.keys()]
    found += [Violation("twice", f"goal {id}: of a key that has another") for id in runs.keys() - accepted.keys()]
    for run_id in runs.keys() & accepted.keys():
        found += _of_goal(goals, runs[run_id], accepted[run_id])
        found += _of_jobs(ledger, runs[run_id], accepted[run_id], evidence)
    found += _twice(evidence)
    found += _stale(evidence)
    found += _leases(evidence, journals, outages)
    found += _undone(evidence, journals, outages)
    return found


def _of_goal(goals: Goals, run: Run, asked: Asked) -> Iterator[Violation]:
    about = f"goal {run.id} ({asked.shape})"
    if not run.state.ended:
        yield Violation("hanging", f"{about}: {run.state}")
    elif run.state is not asked.state:
        why = run.failure.message if run.failure else "without a reason"
        yield Violation("wrong", f"{about}: {run.state}, should be {asked.state}: {why}")
    elif run.state is RunState.SUCCEEDED and goals.result(run) != asked.result:
        yield Violation("wrong", f"{about}: another result than computed")


def _of_jobs(ledger: Ledger, run: Run, asked: Asked, evidence: Evidence) -> Iterator[Violation]:
    for (step, index), output in asked.jobs.items():
        job_id = Job.name(run.id, step, index)
        status = ledger.job(job_id)
        if status and status.state.ended and not evidence.ends(job_id):
            yield Violation("blind", f"job {job_id}: {status.state}, without an end in the audit")
        if asked.state is not RunState.SUCCEEDED or run.state is not asked.state:
            continue  # a goal that failed ends its jobs with it, wherever they are
        if status is None or status.outcome is None:
            yield Violation("lost", f"job {job_id}: {status.state if status else 'unknown'}, its goal is {run.state}")
        elif status.state is not (JobState.FAILED if output is None else JobState.SUCCEEDED):
            yield Violation("wrong", f"job {job_id}: {status.state} after {status.attempt} attempts")
        elif output is not None and status.outcome.output != output:
            yield Violation("wrong", f"job {job_id}: another output than computed")


def _twice(evidence: Evidence) -> Iterator[Violation]:
    for job_id, entries in evidence.by_job.items():
        ends = Counter(entry.round for entry in entries if entry.what == "end")
        tokens = [entry.token[:8] for entry in entries if entry.what == "end"]
        for round, count in ends.items():
            if count > 1:
                yield Violation("twice", f"job {job_id}: ended {count} times in round {round}, by claims {tokens}")


def _stale(evidence: Evidence) -> Iterator[Violation]:
    for job_id, entries in evidence.by_job.items():
        claimed = ""
        for entry in entries:
            if entry.what == "claim":
                claimed = entry.token
            elif entry.what == "commit" and entry.token != claimed:
                yield Violation("stale", f"job {job_id}: claim {entry.token[:8]} committed, {claimed[:8]} was the last")


def _leases(evidence: Evidence, journals: Journals, outages: Outages) -> Iterator[Violation]:
    """A claim, or a renewal that was answered, is a promise: nobody else gets the job for the length of the lease."""
    deaths = sorted(int(died * 1000) for died, _ in outages)
    for job_id, entries in evidence.by_job.items():
        holder: Entry | None = None
        for entry in entries:
            if entry.what == "claim":
                if holder and (until := _promised(holder, journals, entry.at_ms, deaths)) > entry.at_ms:
                    early = f"{until - entry.at_ms} ms before the lease of {holder.worker} ended"
                    yield Violation("lease", f"job {job_id}: claimed by {entry.worker} {early}")
                holder = entry
            elif holder and entry.token == holder.token:
                holder = None  # it was committed or handed back, or it has ended


def _promised(holder: Entry, journals: Journals, now_ms: int, deaths: Sequence[int]) -> int:
    """Until when. What Redis answered just before it died, it may have forgotten: that is "undone", not this."""
    until = holder.at_ms + holder.lease_ms
    for renewal in journals.renewals[holder.token]:
        died = bisect_left(deaths, renewal.asked_ms)
        if renewal.asked_ms < now_ms and (died == len(deaths) or deaths[died] > now_ms):
            until = max(until, renewal.asked_ms + renewal.lease_ms)
    return until


def _undone(evidence: Evidence, journals: Journals, outages: Outages) -> Iterator[Violation]:
    excused = set(forgotten(evidence, journals, outages))
    for commit in _missing(evidence, journals):
        if commit not in excused:
            yield Violation(
                "undone", f"job {commit.job}: the commit of claim {commit.token[:8]} was answered, then gone"
            )


def forgotten(evidence: Evidence, journals: Journals, outages: Outages) -> list[Committed]:
    """Commits that were answered shortly before Redis was killed, and are not there: their jobs were done again.

    With `appendfsync everysec` Redis answers before it writes while a sync of the disk is under way, for up to 2 s.
    """
    deaths_ms = [1000 * died for died, _ in outages]
    return [
        commit
        for commit in _missing(evidence, journals)
        if any(0 <= died_ms - commit.answered_ms <= UNWRITTEN_MS for died_ms in deaths_ms)
    ]


def _missing(evidence: Evidence, journals: Journals) -> Iterator[Committed]:
    for commit in journals.committed:
        entries = evidence.by_job[commit.job]
        if not any(entry.token == commit.token and entry.what == "commit" for entry in entries):
            yield commit
