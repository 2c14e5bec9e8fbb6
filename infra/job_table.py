"""Jobs in this process's memory: where each one is, and the rules by which it moves. Knows no lock and no run's record.

The twin of `infra/scripts/common.lua`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from uuid import uuid4

from infra.records import Claim, Failure, FailureKind, Job, JobState, JobStatus, Outcome

LONGEST_SILENCES = 8

#: When a job was put on the queue: ms, and its place among those of one batch.
Sent = tuple[int, int]


@dataclass
class Entry:
    """What is known of one job. `job` and `outcome` are JSON, so that no caller shares a dict with us."""

    job: str
    id: str
    type: str
    run_id: str
    step_id: str
    index: int
    attempts: int
    deadline_ms: int | None
    since_ms: int  #: last made ready
    state: JobState = JobState.READY
    attempt: int = 0
    token: str | None = None
    committed: str | None = None  #: token of the last accepted commit
    worker: str | None = None
    resends: int = 0
    outcome: str | None = None

    @staticmethod
    def of(job: Job, now_ms: int) -> Entry:
        return Entry(
            job=job.model_dump_json(),
            id=job.id,
            type=job.type,
            run_id=job.run_id,
            step_id=job.step_id,
            index=job.index,
            attempts=job.attempts,
            deadline_ms=job.deadline_ms,
            since_ms=now_ms,
        )

    @property
    def status(self) -> JobStatus:
        return JobStatus(
            job=Job.model_validate_json(self.job),
            state=self.state,
            attempt=self.attempt,
            worker=self.worker,
            outcome=Outcome.model_validate_json(self.outcome) if self.outcome else None,
        )

    def held_by(self, token: str) -> bool:
        return self.state is JobState.RUNNING and self.token == token

    def may_run_again(self, now_ms: int) -> bool:
        return self.attempt < self.attempts and (self.deadline_ms is None or self.deadline_ms > now_ms)


class Line:
    """Where the unfinished jobs of one type are: id -> when (sent: since, running: until)."""

    def __init__(self) -> None:
        self.ready: dict[str, None] = {}  # in order
        self.sent: dict[str, Sent] = {}
        self.running: dict[str, int] = {}
        self.dead: set[str] = set()
        self.refill_at: int | None = None  #: so many sent jobs; None: its window took all that was ready
        self.passed: tuple[Sent, int] | None = None  #: when the last claimed job was sent, and when it was claimed

    def leave(self, job_id: str) -> None:
        self.ready.pop(job_id, None)
        self.sent.pop(job_id, None)
        self.running.pop(job_id, None)

    def takes(self, window: int) -> bool:
        return bool(self.ready) and len(self.sent) < window

    def silent(self, now_ms: int, silent_ms: int) -> list[str]:
        """Not claimed for `silent_ms`. While the line moves, what was sent after the last claimed job only waits."""
        before = now_ms - silent_ms + 1, 0
        if self.passed and self.passed[1] >= before[0]:
            before = min(before, self.passed[0])
        return [job_id for job_id, sent in self.sent.items() if sent < before]

    def depths(self) -> dict[str, int]:
        return {
            "ready": len(self.ready),
            "sent": len(self.sent),
            "running": len(self.running),
            "dead": len(self.dead),
        }


class JobTable:
    def __init__(
        self, now_ms: Callable[[], int], run_ended: Callable[[str], bool], announce: Callable[[str], None]
    ) -> None:
        """`announce` gets the outcome (JSON) of each job that ends while its run goes on."""
        self._now_ms = now_ms
        self._run_ended = run_ended
        self._announce = announce
        self._entries: dict[str, Entry] = {}
        self._open: dict[str, set[str]] = defaultdict(set)
        self._deadlines: dict[str, int] = {}
        self.lines: dict[str, Line] = defaultdict(Line)
        self.woken = False  #: something became ready, or a line wants to be refilled

    def find(self, job_id: str) -> Entry | None:
        return self._entries.get(job_id)

    def release(self, jobs: Iterable[Job]) -> int:
        new = [job for job in jobs if job.id not in self._entries and not self._run_ended(job.run_id)]
        for job in new:
            self._entries[job.id] = Entry.of(job, self._now_ms())
            self._open[job.run_id].add(job.id)
            self.line_up(self._entries[job.id])
        return len(new)

    def take(self, window: int) -> Iterator[Entry]:
        lines, places = list(self.lines.values()), count()
        while lines := [line for line in lines if line.takes(window)]:
            for line in lines:
                entry = self._entries[next(iter(line.ready))]
                if not self.end_if_over(entry):
                    self._mark_sent(entry, self._now_ms(), next(places))
                    yield entry
        for line in self.lines.values():
            line.refill_at = window // 2 if line.ready else None

    def claim(self, entry: Entry, worker: str, lease_ms: int) -> Claim:
        now_ms, token = self._now_ms(), uuid4().hex
        line = self.lines[entry.type]
        if entry.state is JobState.SENT:
            line.passed = line.sent[entry.id], now_ms
        self._leave(entry)
        line.running[entry.id] = now_ms + lease_ms
        entry.state, entry.worker, entry.token = JobState.RUNNING, worker, token
        entry.attempt, entry.resends = entry.attempt + 1, 0
        job = Job.model_validate_json(entry.job)
        return Claim(job=job, token=token, attempt=entry.attempt, wait_ms=now_ms - entry.since_ms)

    def line_up(self, entry: Entry) -> None:
        self._leave(entry)
        entry.state, entry.since_ms = JobState.READY, self._now_ms()
        self.lines[entry.type].ready[entry.id] = None
        self._watch_deadline(entry)
        self.woken = True

    def depths(self, job_types: Sequence[str]) -> dict[str, dict[str, int]]:
        return {
            job_type: {**line.depths(), "oldest_ms": self._oldest_ms(line)}
            for job_type, line in sorted(self.lines.items())
            if not job_types or job_type in job_types
        }

    def expire(self) -> None:
        for entry in self._due(self._deadlines, self._now_ms()):
            self.end_if_over(entry)

    def cancel(self, run_id: str) -> None:
        for job_id in list(self._open[run_id]):
            self.end_if_over(self._entries[job_id])

    def mend(self, line: Line, silent_ms: int) -> Iterator[Entry]:
        """Send again what lost its lease, or was sent and not claimed for `silent_ms`."""
        now_ms = self._now_ms()
        silent = [self._entries[job_id] for job_id in line.silent(now_ms, silent_ms)]
        for entry in self._due(line.running, now_ms):
            if not self.end_if_over(entry):
                entry.since_ms = now_ms
                self._mark_sent(entry, now_ms)
                yield entry
        for entry in silent:
            if not self.end_if_over(entry):
                entry.resends += 1
                silences = min(2**entry.resends, LONGEST_SILENCES)
                self._mark_sent(entry, now_ms + (silences - 1) * silent_ms)
                yield entry

    def end_if_over(self, entry: Entry) -> JobState | None:
        """End a job that must not be run (again), and say how; None if it may."""
        if self._run_ended(entry.run_id):
            return self._finish_failed(entry, JobState.CANCELLED, "its run has ended")
        if entry.deadline_ms is not None and entry.deadline_ms <= self._now_ms():
            return self._finish_failed(entry, JobState.EXPIRED, "its deadline passed before an answer")
        if entry.attempt >= entry.attempts:
            message = f"attempt {entry.attempt} of {entry.attempts} ended without an outcome"
            return self._finish_failed(entry, JobState.DEAD, message)
        return None

    def finish(self, entry: Entry, outcome: Outcome) -> None:
        self._leave(entry)
        line = self.lines[entry.type]
        entry.state, entry.outcome = outcome.state, outcome.model_dump_json()
        self._open[entry.run_id].discard(entry.id)
        if outcome.state is JobState.DEAD:
            line.dead.add(entry.id)
        if not self._run_ended(entry.run_id):
            self._announce(entry.outcome)

    def _finish_failed(self, entry: Entry, state: JobState, message: str) -> JobState:
        outcome = Outcome(
            job_id=entry.id,
            run_id=entry.run_id,
            step_id=entry.step_id,
            index=entry.index,
            state=state,
            attempt=entry.attempt,
            failure=Failure(kind=FailureKind(state), message=message),
        )
        self.finish(entry, outcome)
        return state

    def _oldest_ms(self, line: Line) -> int:
        waiting = (self._entries[job_id].since_ms for job_id in (*islice(line.ready, 1), *line.sent))
        now_ms = self._now_ms()
        return now_ms - min(waiting, default=now_ms)

    def _mark_sent(self, entry: Entry, at_ms: int, place: int = 0) -> None:
        self._leave(entry)
        entry.state = JobState.SENT
        self.lines[entry.type].sent[entry.id] = at_ms, place
        self._watch_deadline(entry)

    def _leave(self, entry: Entry) -> None:
        line = self.lines[entry.type]
        line.leave(entry.id)
        self._deadlines.pop(entry.id, None)
        if line.refill_at is not None and len(line.sent) <= line.refill_at:
            line.refill_at, self.woken = None, True

    def _watch_deadline(self, entry: Entry) -> None:
        if entry.deadline_ms is not None:
            self._deadlines[entry.id] = entry.deadline_ms

    def _due(self, when_ms: Mapping[str, int], now_ms: int) -> list[Entry]:
        return [self._entries[job_id] for job_id, at_ms in when_ms.items() if at_ms <= now_ms]
