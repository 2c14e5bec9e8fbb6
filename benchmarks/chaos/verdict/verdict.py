"""The verdict: finds violations by comparing the goals with what happened. It does not trust the ledger."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.chaos.goals.goals import Asked
from benchmarks.chaos.operator import Cancelled, Interventions
from benchmarks.chaos.verdict.audit import Committed, Entry, Journals
from benchmarks.chaos.verdict.evidence import Evidence
from coordinator.goals.goals import Goals
from coordinator.runs.run import Run
from infra.ledger.protocols.jobs import JobReader
from infra.records import FailureKind, Job, JobState, JobStatus, Json, RunState

NOTHING_DONE = Interventions()
Outages = Sequence[tuple[float, float]]  #: outages of Redis: Unix times of its death and of its next reply
UNWRITTEN_MS = 2_500
TOLD = 5  #: how many claims a message names

#: Kind of violation -> how it is seen.
KINDS = {
    "lost": "a goal that was accepted is unknown, or has ended with a job that is unknown or has not",
    "wrong": "a goal or a job ended otherwise than the harness computed from its input",
    "twice": "the audit has two ends of one job and round, or a goal was taken in twice under one idempotency key",
    "stale": "a commit was let in although its claim was not the job's last",
    "hanging": "a goal has not ended although the killing has, and nothing moves any more",
    "lease": "a job was claimed again while a lease that was granted or renewed for it had not run out",
    "undone": "a worker was told that its output is in, Redis has no such commit, and was not killed just then",
    "revived": "a job of a goal was committed after the goal's cancelling was answered",
    "again": "a goal was taken up again, and a job whose output it had was done again",
    "left": "all goals have ended, and the ledger still has jobs in line or counts some as waiting",
    "idle": "a kind of process was killed several times and never held work, so that its kills show nothing",
    "blind": "a job has ended and the audit has no end of it: the harness looks in the wrong place",
}


@dataclass(frozen=True)
class Violation:
    kind: str
    about: str  #: the job or goal, and the fault


def judge(
    ledger: JobReader,
    goals: Goals,
    accepted: Mapping[str, Asked],
    evidence: Evidence,
    journals: Journals,
    outages: Outages,
    interventions: Interventions = NOTHING_DONE,
) -> list[Violation]:
    runs = {run.id: run for run in goals.recent(100_000)}
    found = [Violation("lost", f"goal {id}: accepted, and unknown now") for id in accepted.keys() - runs.keys()]
    found += [Violation("twice", f"goal {id}: of a key that has another") for id in runs.keys() - accepted.keys()]
    for run_id in runs.keys() & accepted.keys():
        found += _of_goal(goals, runs[run_id], accepted[run_id], interventions.cancelled.get(run_id), outages)
        found += _of_jobs(ledger, runs[run_id], accepted[run_id], evidence)
    found += _twice(evidence)
    found += _stale(evidence)
    found += _leases(evidence, journals, outages)
    found += _undone(evidence, journals, outages)
    found += _revived(evidence, interventions, outages)
    found += _again(evidence, interventions, outages)
    return found


def _of_goal(
    goals: Goals, run: Run, asked: Asked, cancelled: Cancelled | None, outages: Outages
) -> Iterator[Violation]:
    about = f"goal {run.id} ({asked.shape})"
    right = _right_states(asked, cancelled, outages)
    if not run.state.ended:
        yield Violation("hanging", f"{about}: {run.state}")
    elif run.state not in right:
        why = run.failure.message if run.failure else "without a reason"
        yield Violation("wrong", f"{about}: {run.state}, should be {' or '.join(right)}: {why}")
    elif run.state is RunState.SUCCEEDED and not _is_result(goals.result(run), asked):
        yield Violation("wrong", f"{about}: another result than computed")
    elif run.state is RunState.FAILED and asked.may_expire and not _has_expired(run):
        yield Violation("wrong", f"{about}: failed, but not as expired")


def _right_states(asked: Asked, cancelled: Cancelled | None, outages: Outages) -> set[RunState]:
    """The states that the goal may end in."""
    if asked.cancel_s is not None:
        if cancelled is None or _forgettable(cancelled.at_ms, outages):
            return {RunState.CANCELLED, asked.state}
        return {cancelled.state}
    return {asked.state, RunState.FAILED} if asked.may_expire else {asked.state}


def _has_expired(run: Run) -> bool:
    return run.failure is not None and run.failure.kind is FailureKind.EXPIRED


def _is_result(result: Any, asked: Asked) -> bool:
    if asked.enough is None:
        return bool(result == asked.result)
    right = all(each is None or each == wanted for each, wanted in zip(result, asked.result, strict=True))
    return right and sum(each is not None for each in result) >= asked.enough


def _of_jobs(ledger: JobReader, run: Run, asked: Asked, evidence: Evidence) -> Iterator[Violation]:
    for (step, index), output in asked.jobs.items():
        status = ledger.job(Job.name(run.id, step, index))
        yield from _of_job(Job.name(run.id, step, index), status, output, evidence)
        if run.state is not RunState.SUCCEEDED:
            continue  # its jobs ended with it, in any state
        if status is None or status.outcome is None:
            yield Violation(
                "lost", f"job {run.id}.{step}.{index}: {status.state if status else 'unknown'}, its goal has succeeded"
            )
        elif status.state not in _right_ends(asked, step, output):
            yield Violation("wrong", f"job {status.job.id}: {status.state} after {status.attempt} attempts")


def _of_job(job_id: str, status: JobStatus | None, output: Json | None, evidence: Evidence) -> Iterator[Violation]:
    """Yield the violations of a job that do not depend on how its goal ended."""
    if status and status.state.ended and not evidence.ends(job_id):
        yield Violation("blind", f"job {job_id}: {status.state}, without an end in the audit")
    if status and status.outcome and status.outcome.output not in (None, output):
        yield Violation("wrong", f"job {job_id}: another output than computed")


def _right_ends(asked: Asked, step: str, output: Json | None) -> set[JobState]:
    ends = {JobState.FAILED if output is None else JobState.SUCCEEDED}
    return ends | {JobState.CANCELLED} if asked.enough and step == "a" else ends


def _twice(evidence: Evidence) -> Iterator[Violation]:
    for job_id, entries in evidence.by_job.items():
        ends = Counter(entry.round for entry in entries if entry.what == "end")
        tokens = [entry.token[:8] for entry in entries if entry.what == "end"][:TOLD]
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
    """Yield broken leases. A claim or an answered renewal promises that nobody else gets the job during the lease."""
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
                holder = None  # it was committed or handed back, or it ended


def _promised(holder: Entry, journals: Journals, now_ms: int, deaths: Sequence[int]) -> int:
    """The time until which the lease was promised.

    A renewal that Redis answered just before it died does not count: Redis may have forgotten it, which is "undone" and
    not a broken lease.
    """
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
    """The commits that were answered shortly before Redis was killed and are gone; their jobs were done again.

    With `appendfsync everysec`, while a sync of the disk is under way, Redis answers up to 2 s before it writes.
    """
    return [commit for commit in _missing(evidence, journals) if _forgettable(commit.at_ms, outages)]


def _revived(evidence: Evidence, interventions: Interventions, outages: Outages) -> Iterator[Violation]:
    answered = {
        run_id: each.at_ms
        for run_id, each in interventions.cancelled.items()
        if each.state is RunState.CANCELLED and not _forgettable(each.at_ms, outages)
    }
    for job_id, entries in evidence.by_job.items():
        at_ms = answered.get(job_id.partition(".")[0])
        for entry in entries:
            if at_ms is not None and entry.at_ms > at_ms and (entry.what == "commit" or entry.state == "succeeded"):
                yield Violation("revived", f"job {job_id}: {entry.what} {entry.at_ms - at_ms} ms after the cancelling")


def _again(evidence: Evidence, interventions: Interventions, outages: Outages) -> Iterator[Violation]:
    for kept in interventions.kept.values():
        for job_id in kept.jobs if not _forgettable(kept.at_ms, outages) else ():
            if rounds := [entry.round for entry in evidence.ends(job_id) if entry.round]:
                yield Violation("again", f"job {job_id}: its output was kept, and it ended in rounds {rounds}")


def _forgettable(at_ms: int, outages: Outages) -> bool:
    """Whether Redis was killed so soon after that moment that it may have forgotten it."""
    return any(0 <= 1000 * died - at_ms <= UNWRITTEN_MS for died, _ in outages)


def _missing(evidence: Evidence, journals: Journals) -> Iterator[Committed]:
    for commit in journals.committed:
        entries = evidence.by_job[commit.job]
        if not any(entry.token == commit.token and entry.what == "commit" for entry in entries):
            yield commit
