"""Jobs, claims and outcomes in this process's memory: the twin of the scripts that change jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from infra.ledger.memory.bundles import Bundles
from infra.ledger.memory.store import MemoryStore
from infra.ledger.protocol import check_ends, check_limit, check_order
from infra.ledger.protocols.claims import LoneClaims
from infra.records import Claim, Commit, Job, JobState, JobStatus, Message, Outcome, Refusal


class MemoryJobs(MemoryStore, LoneClaims):
    def job(self, job_id: str) -> JobStatus | None:
        with self._changed:
            entry = self._table.find(job_id)
            return entry.status if entry else None

    def job_states(self, job_ids: Sequence[str]) -> list[JobState | None]:
        with self._changed:
            return [entry.state if entry else None for entry in map(self._table.find, job_ids)]

    def jobs(self, job_ids: Sequence[str]) -> list[JobStatus | None]:
        return [self.job(job_id) for job_id in job_ids]

    def release(self, jobs: Iterable[Job]) -> int:
        with self._change():
            return self._jobs.release(jobs)

    def cancel(self, job_ids: Sequence[str]) -> int:
        with self._change():
            return self._jobs.cancel(job_ids)

    def take_ready(
        self,
        window: int,
        weights: Mapping[str, float] = MappingProxyType({}),
        ageing_s: float = 300.0,
        workers: Mapping[str, int] = MappingProxyType({}),
    ) -> list[Message]:
        check_order(weights, ageing_s)
        with self._change():
            self._jobs.line_up_due()
            bundles = Bundles(workers, self._table.lines, self._now_ms())
            for entry in self._jobs.take(window, weights, ageing_s):
                bundles.add(entry)
            return bundles.messages()

    def wait_ready(self, wait_ms: int) -> None:
        until = time.monotonic() + wait_ms / 1000
        with self._changed:
            while not self._table.woken and (left_s := until - time.monotonic()) > 0 and self._retry_in_s() > 0:
                self._changed.wait(min(left_s, self._retry_in_s()))
            self._table.woken = False

    def sweep(self, silent_ms: int) -> list[Message]:
        with self._change():
            self._jobs.expire()
            self._table.letters.forget(self._now_ms() - self._retention_ms)
            return [(entry.line, entry.id) for entry in self._jobs.mend(silent_ms)]

    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        check_limit(limit)
        with self._changed:
            self._changed.wait_for(lambda: self._log.waiting, wait_ms / 1000)
            return self._log.hand_out(limit)

    def acknowledge(self, acks: Sequence[str]) -> None:
        with self._change():
            self._log.acknowledge(acks)

    def unacknowledged(self) -> int:
        with self._changed:
            return len(self._log)

    def claim_all(
        self, job_ids: Sequence[str], worker: str, lease_ms: int, schemas: str | None = None
    ) -> list[Claim | Refusal]:
        with self._change():
            together = len(job_ids) > 1
            return [self._jobs.claim(job_id, worker, lease_ms, schemas, together) for job_id in job_ids]

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        with self._changed:
            return [job_id for job_id, token in claims.items() if not self._jobs.renew(job_id, token, lease_ms)]

    def commit_all(self, commits: Sequence[Commit]) -> list[bool]:
        check_ends(commits)
        with self._change():
            return self._jobs.commit(commits)

    def hand_back(self, job_id: str, token: str) -> bool:
        with self._change():
            return self._jobs.hand_back(job_id, token)

    def stops(self, worker: str, wait_ms: int) -> list[str]:
        with self._changed:
            self._changed.wait_for(lambda: self._stops.get(worker), wait_ms / 1000)
            return self._stops.pop(worker, [])

    def _retry_in_s(self) -> float:
        """Seconds until the next retry is due; very many if there is none. Called with the lock held."""
        due_ms = self._table.next_retry_ms()
        return threading.TIMEOUT_MAX if due_ms is None else (due_ms - self._now_ms()) / 1000
