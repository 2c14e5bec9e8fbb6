"""The rules by which jobs move, in this process's memory. Knows no lock and no run's record.

The product's rules are the Lua scripts of `infra.ledger.redis.scripts`; these are their twin for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from uuid import uuid4

from pydantic import ValidationError

from infra.ledger.memory.job_entry import Entry
from infra.ledger.memory.job_sharing import Sharing, answers
from infra.ledger.memory.job_table import JobTable
from infra.ledger.unreadable import UNREAD_RETRY_MS
from infra.records import Claim, Commit, Job, JobState, Outcome, Refusal

LONGEST_SILENCES = 8


class JobRules:
    def __init__(
        self,
        table: JobTable,
        run_ended: Callable[[str], bool],
        announce: Callable[[str], None],
        stop: Callable[[str, str], None],
    ) -> None:
        """`announce` gets the outcome (JSON) of each job that ends while its run goes on. `stop` gets the worker and
        the token of each claim whose job was cancelled."""
        self._table = table
        self._run_ended = run_ended
        self._announce = announce
        self._stop = stop
        self._sharing = Sharing()

    # -- new jobs --

    def release(self, jobs: Iterable[Job]) -> int:
        return sum(self._release(job) for job in jobs)

    def _release(self, job: Job) -> bool:
        known = self._table.find(job.id)
        if self._run_ended(job.run_id) or (known and known.job.round >= job.round):
            return False
        if known:
            self._drop(known)
        entry = self._table.add(job)
        kept = self._sharing.kept(job.reuse, self._table.now_ms()) if job.reuse and not job.reuse.fresh else None
        if kept:
            self._end(entry, entry.answered(kept))
        elif self._sharing.leads(entry):
            self._table.line_up(entry)
        else:
            self._table.wait(entry)
        return True

    def _drop(self, entry: Entry) -> None:
        """Forget a job of an earlier round, so that nothing said of it counts any more."""
        self._tell(entry)
        self._table.forget(entry.id)
        self._lead_on(self._sharing.end(entry))

    # -- to the queue --

    def line_up_due(self) -> None:
        """Make the jobs ready whose next attempt is due."""
        for entry in self._table.retry_due():
            self._table.line_up(entry)

    def take(self, window: int, weights: Mapping[str, float], ageing_s: float) -> Iterator[Entry]:
        """The jobs to put on the queue, one of each type in turn."""
        lines, places, now_ms = self._table.open_lines(), count(), self._table.now_ms()
        while firsts := [(line, first) for line in lines if (first := line.next(window, now_ms, ageing_s))]:
            lines = [line for line, _ in firsts]
            for line, entry in firsts:
                if not self._end_if_over(entry):
                    line.charge(entry, weights.get(entry.job.tenant, 1.0))
                    self._table.send(entry, now_ms, next(places))
                    yield entry

    def expire(self) -> None:
        for entry in self._table.over_due():
            self._end_if_over(entry)

    def mend(self, silent_ms: int) -> Iterator[Entry]:
        """Send again the jobs that lost their lease, or that were sent and not claimed for `silent_ms`."""
        for job_type, line in list(self._table.lines.items()):
            found = self._table.lost(line) + line.silent(self._table.now_ms(), silent_ms)
            for entry in found:
                self._count_lost(entry)
            left = [entry for entry in found if not self._end_if_over(entry)]
            if self._table.paused(job_type):
                for entry in left:
                    self._table.put_back(entry)
            else:
                for entry in left:
                    self._send_again(entry, silent_ms)
                yield from left

    def _send_again(self, entry: Entry, silent_ms: int) -> None:
        now_ms, silences = self._table.now_ms(), 1
        if entry.state is JobState.SENT:
            entry.resends += 1
            silences = min(2**entry.resends, LONGEST_SILENCES)
        else:
            entry.since_ms = now_ms
        self._table.send(entry, now_ms + (silences - 1) * silent_ms)

    # -- to a worker and back --

    def claim(self, job_id: str, worker: str, lease_ms: int, schemas: str | None, together: bool) -> Claim | Refusal:
        """`together`: it is claimed at once with others."""
        entry = self._table.find(job_id)
        if entry is None:
            return Refusal.UNKNOWN
        refusal = self._refusal(entry, together) or self._stray(entry, schemas)
        if refusal is None:
            entry.bundled = together
        return refusal or self._grant(entry, worker, lease_ms)

    def renew(self, job_id: str, token: str, lease_ms: int) -> bool:
        entry = self._table.held(job_id, token)
        if entry:
            self._table.lines[entry.line].running[job_id] = self._table.now_ms() + lease_ms
        return entry is not None

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        done: list[Entry] = []
        accepted = [self._commit(*each, done) for each in commits]
        for line in {entry.line for entry in done}:
            jobs = [entry.job for entry in done if entry.line == line]
            pace, waits = self._table.lines[line].pace, self._table.lines[line].waits
            pace.ended(len(jobs), sum(job.tokens for job in jobs), self._table.now_ms(), waits)
        return accepted

    def _commit(self, outcome: Outcome, token: str, retry_ms: int | None, done: list[Entry]) -> bool:
        """`done` gets the job if it has ended now."""
        known = self._table.find(outcome.job_id)
        if known and known.committed == token:
            return True
        entry = self._table.held(outcome.job_id, token)
        if entry is None:
            return False
        entry.committed = token
        if outcome.failure and retry_ms is not None and entry.may_run_again(self._table.now_ms() + retry_ms):
            self._retry(entry, retry_ms)
        else:
            self._end_with(entry, outcome)
            done.append(entry)
        return True

    def hand_back(self, job_id: str, token: str) -> bool:
        known = self._table.find(job_id)
        if known and known.handed == token:
            return True
        entry = self._table.held(job_id, token)
        if entry:
            entry.attempt, entry.handed = entry.attempt - 1, token
            self._table.put_back(entry)
        return entry is not None

    def _refusal(self, entry: Entry, together: bool) -> Refusal | None:
        job_type = entry.job.type
        if entry.state.ended:
            return Refusal.ENDED
        if self._table.lines[entry.line].running.get(entry.id, 0) > self._table.now_ms():
            return Refusal.RUNNING
        if together and (entry.state is JobState.RUNNING or entry.goes_alone):
            return Refusal.ALONE
        self._count_lost(entry)
        if over := self._end_if_over(entry):
            return Refusal.ENDED if over is JobState.CANCELLED else Refusal(over)
        if entry.state is JobState.PENDING:  # this message is old: the job is put on the queue when its time has come
            return Refusal.PAUSED
        if not self._table.paused(job_type):
            return None
        if entry.state is not JobState.READY:
            self._table.put_back(entry)
        return Refusal.PAUSED

    def _stray(self, entry: Entry, schemas: str | None) -> Refusal | None:
        """Refuse a job that was made for other schemas than the worker's, and offer it to others from now on."""
        if schemas is None or entry.job.schemas in (None, schemas):
            return None
        self._table.stray(entry)
        return Refusal.OTHER_SCHEMAS

    def _count_lost(self, entry: Entry) -> None:
        """Count a lost lease if the job still says that it runs, which it does not: its lease ran out."""
        if entry.state is JobState.RUNNING:
            entry.lose()

    def _grant(self, entry: Entry, worker: str, lease_ms: int) -> Claim | Refusal:
        now_ms, token = self._table.now_ms(), uuid4().hex
        self._table.run(entry, worker, token, now_ms + lease_ms)
        try:
            job = entry.read_job()
        except ValidationError:
            return self._refuse_unread(entry, worker, token)
        wait_ms = now_ms - entry.since_ms
        return Claim(job=job, token=token, attempt=entry.attempt, wait_ms=wait_ms, lost=entry.lost)

    def _refuse_unread(self, entry: Entry, worker: str, token: str) -> Refusal:
        """Turn a granted claim into a failed attempt, so that another worker may try, but not for ever."""
        self.commit([Commit(entry.unread(worker), token, UNREAD_RETRY_MS)])
        return Refusal.ENDED if entry.state.ended else Refusal.PAUSED

    def _retry(self, entry: Entry, retry_ms: int) -> None:
        if retry_ms > 0:
            self._table.wait(entry, self._table.now_ms() + retry_ms)
        else:
            self._table.line_up(entry)

    # -- ends --

    def cancel(self, job_ids: Iterable[str]) -> int:
        found = (self._table.find(job_id) for job_id in job_ids)
        return sum(self._cancel(entry, "it was cancelled") for entry in found if entry and not entry.state.ended)

    def end_run(self, run_id: str) -> None:
        """Cancel the open jobs of a run that has ended."""
        for entry in self._table.open_of(run_id):
            self._end_if_over(entry)

    def _end_if_over(self, entry: Entry) -> JobState | None:
        """End a job that must not be run (again), and say how it ended; None if it may be run."""
        if self._run_ended(entry.job.run_id):
            self._cancel(entry, "its run has ended")
        elif late := entry.late(self._table.now_ms()):
            self._end(entry, entry.failed(JobState.EXPIRED, late))
        elif entry.attempt >= entry.job.attempts:
            message = f"attempt {entry.attempt} of {entry.job.attempts} ended without an outcome"
            self._end(entry, entry.failed(JobState.DEAD, message))
        return entry.state if entry.state.ended else None

    def _cancel(self, entry: Entry, why: str) -> bool:
        self._tell(entry)
        self._end(entry, entry.failed(JobState.CANCELLED, why))
        return True

    def _tell(self, entry: Entry) -> None:
        """Tell the worker that runs the job, if there is one, to stop."""
        if entry.state is JobState.RUNNING and entry.worker and entry.token:
            self._stop(entry.worker, entry.token)

    def _end_with(self, entry: Entry, outcome: Outcome) -> None:
        """End the job with the outcome that a worker committed."""
        if entry.job.reuse:
            self._sharing.keep(entry.job.reuse, outcome, self._table.now_ms())
        self._end(entry, outcome)

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        self._table.close(entry)
        entry.state, entry.outcome = outcome.state, outcome.model_dump_json()
        self._table.letters.add(entry, outcome, self._table.now_ms())
        if not self._run_ended(entry.job.run_id):
            self._announce(entry.outcome)
        self._pass_on(entry, outcome, self._sharing.end(entry))

    def _pass_on(self, leader: Entry, outcome: Outcome, followers: Sequence[Entry]) -> None:
        """Answer the jobs that asked the same with this output, or have one of them do the work."""
        if leader.job.reuse and answers(leader.job.reuse, outcome):
            for entry in followers:
                self._end(entry, entry.answered(outcome))
        else:
            self._lead_on(followers)

    def _lead_on(self, followers: Sequence[Entry]) -> None:
        """Have the first of the followers do what their leader did not."""
        for entry in followers:
            if self._sharing.leads(entry):
                self._table.line_up(entry)
