"""Where each job is, in this process's memory. Does not know when a job moves: `job_rules` says that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from infra.ledger.memory.dead_letters import DeadLetters
from infra.ledger.memory.job_entry import Entry
from infra.ledger.memory.job_lines import Line
from infra.records import Job, JobState, Load, TypeState


class JobTable:
    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.lines: dict[str, Line] = defaultdict(Line)  #: by job type
        self.letters = DeadLetters()
        self.states: dict[str, TypeState] = {}  #: job type -> state, for the types that are not open
        self.woken = False  #: something became ready, or a line wants to be refilled
        self._entries: dict[str, Entry] = {}
        self._open: dict[str, dict[str, Entry]] = defaultdict(dict)  # run -> its jobs that have not ended
        self._untils: dict[str, int] = {}  # job id -> ms at which it expires; running jobs are not in it
        self._delayed: dict[str, int] = {}  # job id -> ms at which it is tried again

    # -- look-ups --

    def find(self, job_id: str) -> Entry | None:
        return self._entries.get(job_id)

    def held(self, job_id: str, token: str) -> Entry | None:
        """The job, if `token` holds its lease."""
        entry = self._entries.get(job_id)
        return entry if entry and entry.state is JobState.RUNNING and entry.token == token else None

    def open_of(self, run_id: str) -> list[Entry]:
        return list(self._open[run_id].values())

    def over_due(self) -> list[Entry]:
        return self._due(self._untils)

    def retry_due(self) -> list[Entry]:
        return self._due(self._delayed)

    def lost(self, line: Line) -> list[Entry]:
        """The running jobs whose lease ran out."""
        return self._due(line.running)

    def next_retry_ms(self) -> int | None:
        return min(self._delayed.values(), default=None)

    def paused(self, line: str) -> bool:
        return self.states.get(line.partition(".")[0]) is TypeState.PAUSED

    def open_lines(self) -> list[Line]:
        return [line for job_type, line in self.lines.items() if not self.paused(job_type)]

    # -- moves --

    def add(self, job: Job) -> Entry:
        entry = self._entries[job.id] = self._open[job.run_id][job.id] = Entry.of(job)
        return entry

    def forget(self, job_id: str) -> None:
        self.letters.remove(job_id)
        if entry := self._entries.pop(job_id, None):
            self.close(entry)

    def strip(self, entry: Entry) -> None:
        """Forget everything of an ended job except that it existed."""
        self.letters.remove(entry.id)
        entry.strip()

    def close(self, entry: Entry) -> None:
        """Take a job that has ended out of every line."""
        self._leave(entry)
        self._open[entry.job.run_id].pop(entry.id, None)

    def line_up(self, entry: Entry) -> None:
        """Make the job ready, behind the others."""
        entry.line_up(self.now_ms())
        self._make_ready(entry, first=False)

    def put_back(self, entry: Entry) -> None:
        """Make the job ready before all others and give back its charge. It keeps its age, unless it was running."""
        if entry.state is JobState.RUNNING:
            entry.since_ms = self.now_ms()
        self._make_ready(entry, first=True)
        self.lines[entry.line].refund(entry)

    def stray(self, entry: Entry) -> None:
        """Make the job ready in the line of its own schemas, and give back its charge."""
        line = self.lines[entry.line]
        if entry.state is JobState.SENT:
            line.passed = line.sent[entry.id], self.now_ms()
        line.refund(entry)
        self._leave(entry)
        entry.strayed = True
        self.line_up(entry)

    def wait(self, entry: Entry, until_ms: int | None = None) -> None:
        """Make the job pending until that time, or, without one, until it is moved."""
        self._leave(entry)
        entry.state = JobState.PENDING
        self.lines[entry.line].pending.add(entry.id)
        self._watch(entry)
        if until_ms is not None:
            self._delayed[entry.id] = until_ms
            self.woken = True  # whoever waits for a ready job may have to wake earlier

    def send(self, entry: Entry, at_ms: int, place: int = 0) -> None:
        self._leave(entry)
        entry.state = JobState.SENT
        self.lines[entry.line].send(entry, (at_ms, place))
        self._watch(entry)

    def run(self, entry: Entry, worker: str, token: str, until_ms: int) -> None:
        line = self.lines[entry.line]
        if entry.state is JobState.SENT:
            line.passed = line.sent[entry.id], self.now_ms()
        self._leave(entry)
        line.running[entry.id] = until_ms
        entry.state, entry.worker, entry.token = JobState.RUNNING, worker, token
        entry.attempt, entry.resends, entry.claim_until_ms = entry.attempt + 1, 0, None

    def set_state(self, job_type: str, state: TypeState) -> None:
        self.states.pop(job_type, None)
        if state is not TypeState.OPEN:
            self.states[job_type] = state
        if job_type in self.lines:
            self.lines[job_type].pace.interrupt()
        self.woken = True

    # -- counts --

    def depths(self, job_types: Sequence[str]) -> dict[str, dict[str, int]]:
        return {
            job_type: line.depths(self.now_ms()) | self.letters.counts(job_type)
            for job_type, line in sorted(self.lines.items())
            if not job_types or job_type in job_types
        }

    def load(self, job_type: str) -> Load:
        line = self.lines[job_type] if job_type in self.lines else Line()
        return line.load(self.states.get(job_type, TypeState.OPEN), self.now_ms())

    # -- helpers --

    def _make_ready(self, entry: Entry, first: bool) -> None:
        self._leave(entry)
        entry.state = JobState.READY
        self.lines[entry.line].join(entry, first)
        self._watch(entry)
        self.woken = True

    def _leave(self, entry: Entry) -> None:
        line = self.lines[entry.line]
        line.leave(entry)
        self._untils.pop(entry.id, None)
        self._delayed.pop(entry.id, None)
        if line.refills():
            self.woken = True

    def _watch(self, entry: Entry) -> None:
        if entry.until_ms is not None:
            self._untils[entry.id] = entry.until_ms

    def _due(self, when_ms: Mapping[str, int]) -> list[Entry]:
        """The jobs whose time has come, the earliest first."""
        now_ms = self.now_ms()
        due = sorted((at_ms, job_id) for job_id, at_ms in when_ms.items() if at_ms <= now_ms)
        return [self._entries[job_id] for _, job_id in due]
