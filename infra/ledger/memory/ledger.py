"""The ledger in this process's memory: for tests and for one process alone. The rules are those of the scripts.

It keeps all but dead letters until the process ends, and shares nothing with other processes.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from pydantic_core import from_json, to_json

from infra.ledger.memory.job_rules import JobRules
from infra.ledger.memory.job_table import JobTable
from infra.ledger.memory.outcome_log import OutcomeLog
from infra.ledger.memory.run_table import RunTable
from infra.ledger.protocol import ENTRY_ID, check_limit, check_order
from infra.records import (
    Cause,
    Claim,
    DeadLetter,
    Event,
    Idempotency,
    Job,
    JobStatus,
    Json,
    Load,
    Outcome,
    Prior,
    Refusal,
    RunRecord,
    RunState,
    Saving,
    StepResult,
    TypeState,
)

WEEK_S = 7 * 24 * 3600


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryLedger:
    def __init__(self, *, now_ms: Callable[[], int] = wall_ms, retention_s: int = WEEK_S, idle_ms: int = 5_000) -> None:
        """`now_ms` decides leases and deadlines; waiting is always in real time."""
        self._now_ms = now_ms
        self._retention_ms = 1000 * retention_s
        self._changed = threading.Condition()
        self._runs = RunTable(now_ms)
        self._log = OutcomeLog(now_ms, idle_ms)
        self._table = JobTable(now_ms)
        self._jobs = JobRules(self._table, self._runs.ended, self._log.add, self._stop)
        self._stops: dict[str, list[str]] = defaultdict(list)
        self._workers: dict[str, tuple[int, bytes]] = {}
        self._plans: dict[str, dict[str, bytes]] = defaultdict(dict)  # tenant -> name -> JSON

    # -- runs --

    def create_run(
        self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event], key: Idempotency | None = None
    ) -> Prior | None:
        with self._change():
            if run.id in self._runs:
                return None
            if key and (prior := self._runs.prior(key.key)):
                return prior
            self._runs.create(run, events, key)
            self._jobs.release(jobs)
            return None

    def find_key(self, key: str) -> Prior | None:
        with self._changed:
            return self._runs.prior(key)

    def reopen(self, run: RunRecord, jobs: Sequence[Job], forget: Sequence[str], events: Sequence[Event]) -> bool:
        with self._change():
            if self._runs.state(run.id) in (None, RunState.RUNNING) or not self._runs.save(run, [], events):
                return False
            for step_id in forget:
                self._runs.forget_results(run.id, step_id)
            self._jobs.release(jobs)
            return True

    def overdue(self, limit: int = 100) -> list[str]:
        check_limit(limit)
        with self._changed:
            return self._runs.overdue(limit)

    def load_run(self, run_id: str) -> RunRecord | None:
        with self._changed:
            return self._runs.find(run_id)

    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        with self._change():
            if self._runs.ended(run.id):
                self._log.acknowledge(acks)
                return False
            if run.id not in self._runs or not self._runs.save(run, results, events):
                return False
            self._log.acknowledge(acks)
            if run.state.ended:
                self._jobs.end_run(run.id)
            return True

    def acknowledge(self, acks: Sequence[str]) -> None:
        with self._change():
            self._log.acknowledge(acks)

    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        with self._changed:
            return self._runs.results(run_id, step_id)

    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        match = ENTRY_ID.fullmatch(after)
        if not match:
            raise ValueError(f"no event has the id {after!r}; ids look like 1700000000000-0")
        place = int(match[1])
        with self._changed:
            self._changed.wait_for(lambda: self._runs.events(run_id, place), wait_ms / 1000)
            return self._runs.events(run_id, place)

    def recent_runs(self, limit: int = 50) -> list[RunRecord]:
        check_limit(limit)
        with self._changed:
            return self._runs.newest(limit)

    # -- saved plans --

    def save_plan(self, tenant: str, name: str, plan: Json, most: int) -> Saving:
        with self._changed:
            plans = self._plans[tenant]
            saving = Saving.REPLACED if name in plans else Saving.NEW if len(plans) < most else Saving.FULL
            if saving is not Saving.FULL:
                plans[name] = to_json(plan)
            return saving

    def saved_plan(self, tenant: str, name: str) -> Json | None:
        with self._changed:
            plan = self._plans[tenant].get(name)
            return from_json(plan) if plan else None

    def saved_plans(self, tenant: str) -> dict[str, Json]:
        with self._changed:
            return {name: from_json(plan) for name, plan in sorted(self._plans[tenant].items())}

    def delete_plan(self, tenant: str, name: str) -> bool:
        with self._changed:
            return self._plans[tenant].pop(name, None) is not None

    # -- jobs: the coordinator --

    def release(self, jobs: Iterable[Job]) -> int:
        with self._change():
            return self._jobs.release(jobs)

    def cancel(self, job_ids: Sequence[str]) -> int:
        with self._change():
            return self._jobs.cancel(job_ids)

    def take_ready(
        self, window: int, weights: Mapping[str, float] = MappingProxyType({}), ageing_s: float = 300.0
    ) -> list[tuple[str, str]]:
        check_order(weights, ageing_s)
        with self._change():
            return [(entry.job.type, entry.id) for entry in self._jobs.take(window, weights, ageing_s)]

    def wait_ready(self, wait_ms: int) -> None:
        until = time.monotonic() + wait_ms / 1000
        with self._changed:
            while not self._table.woken and (left_s := until - time.monotonic()) > 0 and self._retry_in_s() > 0:
                self._changed.wait(min(left_s, self._retry_in_s()))
            self._table.woken = False

    def sweep(self, silent_ms: int) -> list[tuple[str, str]]:
        with self._change():
            self._jobs.expire()
            self._table.letters.forget(self._now_ms() - self._retention_ms)
            return [(entry.job.type, entry.id) for entry in self._jobs.mend(silent_ms)]

    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        check_limit(limit)
        with self._changed:
            self._changed.wait_for(lambda: self._log.waiting, wait_ms / 1000)
            return self._log.hand_out(limit)

    # -- jobs: workers --

    def claim(self, job_id: str, worker: str, lease_ms: int) -> Claim | Refusal:
        with self._change():
            return self._jobs.claim(job_id, worker, lease_ms)

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        with self._changed:
            return [job_id for job_id, token in claims.items() if not self._jobs.renew(job_id, token, lease_ms)]

    def commit(self, outcome: Outcome, token: str, retry_ms: int | None = None) -> bool:
        if not outcome.state.ended:
            raise ValueError(f"job {outcome.job_id!r} cannot be committed as {outcome.state}: that is not an end")
        with self._change():
            return self._jobs.commit(outcome, token, retry_ms)

    def hand_back(self, job_id: str, token: str) -> bool:
        with self._change():
            return self._jobs.hand_back(job_id, token)

    def stops(self, worker: str, wait_ms: int) -> list[str]:
        with self._changed:
            self._changed.wait_for(lambda: self._stops.get(worker), wait_ms / 1000)
            return self._stops.pop(worker, [])

    # -- anyone --

    def job(self, job_id: str) -> JobStatus | None:
        with self._changed:
            entry = self._table.find(job_id)
            return entry.status if entry else None

    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        with self._changed:
            return self._table.depths(job_types)

    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        with self._changed:
            return {job_type: self._table.load(job_type) for job_type in job_types}

    def set_type_state(self, job_type: str, state: TypeState) -> None:
        with self._change():
            self._table.set_state(job_type, state)

    def type_states(self) -> dict[str, TypeState]:
        with self._changed:
            return dict(self._table.states)

    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        check_limit(limit)
        with self._changed:
            return self._table.letters.find(job_type, cause, limit)

    def purge(self, job_ids: Sequence[str]) -> int:
        with self._change():
            letters = [job_id for job_id in dict.fromkeys(job_ids) if job_id in self._table.letters]
            for entry in filter(None, map(self._table.find, letters)):
                if entry.job.run_id in self._runs and not self._runs.ended(entry.job.run_id):
                    self._table.strip(entry)
                else:
                    self._table.forget(entry.id)
            return len(letters)

    def unacknowledged(self) -> int:
        with self._changed:
            return len(self._log)

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

    # -- how; each is called with the lock held --

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._changed:
            try:
                yield
            finally:
                self._changed.notify_all()

    def _stop(self, worker: str, token: str) -> None:
        self._stops[worker].append(token)

    def _retry_in_s(self) -> float:
        """Until something that waits for its next attempt is due; much, if nothing does."""
        due_ms = self._table.next_retry_ms()
        return threading.TIMEOUT_MAX if due_ms is None else (due_ms - self._now_ms()) / 1000
