"""The ledger in this process's memory: for tests and for one process alone. The same rules as `infra.scripts`.

It keeps everything until the process ends, and shares nothing with other processes.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from pydantic_core import from_json, to_json

from infra.job_table import JobTable
from infra.ledger import ENTRY_ID
from infra.records import (
    Claim,
    Event,
    Job,
    JobState,
    JobStatus,
    Json,
    Outcome,
    Refusal,
    RunRecord,
    StepResult,
)

EVENTS_READ = 1_000


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryLedger:
    def __init__(self, *, now_ms: Callable[[], int] = wall_ms, idle_ms: int = 5_000) -> None:
        """`now_ms` decides leases and deadlines; waiting is always in real time."""
        self._now_ms = now_ms
        self._idle_ms = idle_ms
        self._changed = threading.Condition()
        self._runs: dict[str, RunRecord] = {}
        self._jobs = JobTable(now_ms, self._run_ended, self._announce)
        self._results: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
        self._events: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._new: deque[tuple[str, str]] = deque()  # (entry id, outcome) that no consumer has seen
        self._handed: dict[str, tuple[int, str]] = {}  # entry id -> (ms when handed out, outcome)
        self._workers: dict[str, tuple[int, bytes]] = {}
        self._announced = 0

    # -- runs --

    def create_run(self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event]) -> None:
        with self._change():
            if run.id not in self._runs:
                self._runs[run.id] = _copy(run)
                self._append_events(run.id, events)
                self._jobs.release(jobs)

    def load_run(self, run_id: str) -> RunRecord | None:
        with self._changed:
            run = self._runs.get(run_id)
            return _copy(run) if run else None

    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        with self._change():
            stored = self._runs.get(run.id)
            if stored is None:
                return False
            if stored.state.ended:
                self._acknowledge(acks)
                return False
            if stored.version != run.version:
                return False
            self._runs[run.id] = _copy(run.model_copy(update={"version": run.version + 1}))
            for result in results:
                self._results[run.id, result.step_id][result.index] = to_json(result.output)
            self._append_events(run.id, events)
            self._acknowledge(acks)
            if run.state.ended:
                self._jobs.cancel(run.id)
            return True

    def acknowledge(self, acks: Sequence[str]) -> None:
        with self._change():
            self._acknowledge(acks)

    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        with self._changed:
            return {index: from_json(output) for index, output in self._results[run_id, step_id].items()}

    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        match = ENTRY_ID.fullmatch(after)
        if not match:
            raise ValueError(f"no event has the id {after!r}; ids look like 1700000000000-0")
        with self._changed:
            self._changed.wait_for(lambda: len(self._events[run_id]) > int(match[1]), wait_ms / 1000)
            found = self._events[run_id][int(match[1]) :][:EVENTS_READ]
            return [(f"{place}-0", Event.model_validate_json(event)) for place, event in found]

    def recent_runs(self, limit: int = 50) -> list[RunRecord]:
        with self._changed:
            return [_copy(run) for run in islice(reversed(self._runs.values()), limit)]

    # -- jobs: the coordinator --

    def release(self, jobs: Iterable[Job]) -> int:
        with self._change():
            return self._jobs.release(jobs)

    def take_ready(self, window: int) -> list[tuple[str, str]]:
        with self._change():
            return [(entry.type, entry.id) for entry in self._jobs.take(window)]

    def wait_ready(self, wait_ms: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs.woken, wait_ms / 1000)
            self._jobs.woken = False

    def sweep(self, silent_ms: int) -> list[tuple[str, str]]:
        with self._change():
            self._jobs.expire()
            lines = self._jobs.lines.values()
            return [(entry.type, entry.id) for line in lines for entry in self._jobs.mend(line, silent_ms)]

    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned(1) or self._new, wait_ms / 1000)
            entries = self._abandoned(limit) or [self._new.popleft() for _ in range(min(limit, len(self._new)))]
            for entry_id, outcome in entries:
                self._handed[entry_id] = (self._now_ms(), outcome)
            return [(entry_id, Outcome.model_validate_json(outcome)) for entry_id, outcome in entries]

    # -- jobs: workers --

    def claim(self, job_id: str, worker: str, lease_ms: int) -> Claim | Refusal:
        with self._change():
            entry = self._jobs.find(job_id)
            if entry is None:
                return Refusal.UNKNOWN
            if entry.state.ended:
                return Refusal.ENDED
            now_ms = self._now_ms()
            if self._jobs.lines[entry.type].running.get(job_id, now_ms) > now_ms:
                return Refusal.RUNNING
            if over := self._jobs.end_if_over(entry):
                return Refusal.ENDED if over is JobState.CANCELLED else Refusal(over)
            return self._jobs.claim(entry, worker, lease_ms)

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        with self._changed:
            lost = []
            for job_id, token in claims.items():
                entry = self._jobs.find(job_id)
                if entry is not None and entry.held_by(token):
                    self._jobs.lines[entry.type].running[job_id] = self._now_ms() + lease_ms
                else:
                    lost.append(job_id)
            return lost

    def commit(self, outcome: Outcome, token: str) -> bool:
        if not outcome.state.ended:
            raise ValueError(f"job {outcome.job_id!r} cannot be committed as {outcome.state}: that is not an end")
        with self._change():
            entry = self._jobs.find(outcome.job_id)
            if entry is not None and entry.committed == token:
                return True
            if entry is None or not entry.held_by(token):
                return False
            entry.committed = token
            if outcome.failure and outcome.failure.retryable and entry.may_run_again(self._now_ms()):
                self._jobs.line_up(entry)
            else:
                self._jobs.finish(entry, outcome)
            return True

    # -- anyone --

    def job(self, job_id: str) -> JobStatus | None:
        with self._changed:
            entry = self._jobs.find(job_id)
            return entry.status if entry else None

    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        with self._changed:
            return self._jobs.depths(job_types)

    def unacknowledged(self) -> int:
        with self._changed:
            return len(self._new) + len(self._handed)

    def beat(self, worker: str, about: Json, ttl_ms: int) -> None:
        with self._changed:
            self._workers[worker] = (self._now_ms() + ttl_ms, to_json(about))

    def leave(self, worker: str) -> None:
        with self._changed:
            self._workers.pop(worker, None)

    def workers(self) -> dict[str, Json]:
        with self._changed:
            now_ms = self._now_ms()
            return {name: from_json(about) for name, (until_ms, about) in self._workers.items() if until_ms > now_ms}

    def ping(self) -> None:
        """This memory always answers."""

    def close(self) -> None:
        """Nothing to give back."""

    # -- rules; each is called with the lock held --

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._changed:
            try:
                yield
            finally:
                self._changed.notify_all()

    def _run_ended(self, run_id: str) -> bool:
        run = self._runs.get(run_id)
        return run is not None and run.state.ended

    def _announce(self, outcome: str) -> None:
        self._announced += 1
        self._new.append((f"{self._announced}-0", outcome))

    def _abandoned(self, limit: int) -> list[tuple[str, str]]:
        before_ms = self._now_ms() - self._idle_ms
        old = ((entry_id, outcome) for entry_id, (handed_ms, outcome) in self._handed.items() if handed_ms <= before_ms)
        return list(islice(old, limit))

    def _acknowledge(self, acks: Sequence[str]) -> None:
        for entry_id in acks:
            self._handed.pop(entry_id, None)

    def _append_events(self, run_id: str, events: Sequence[Event]) -> None:
        kept = self._events[run_id]
        kept += [(len(kept) + place, event.model_dump_json()) for place, event in enumerate(events, 1)]


def _copy(run: RunRecord) -> RunRecord:
    return RunRecord.model_validate_json(run.model_dump_json())
