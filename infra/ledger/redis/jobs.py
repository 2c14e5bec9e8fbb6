"""Jobs on Redis, as the coordinator makes, sends and ends them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from infra.ledger.payloads import read_job, read_small, shas_of
from infra.ledger.protocol import check_order
from infra.ledger.redis.arguments import JOBS_A_CALL, in_pieces
from infra.ledger.redis.client import BLOCK_MS, answered
from infra.ledger.redis.store import RedisStore, pieces
from infra.ledger.unreadable import read_outcome
from infra.records import Job, JobState, JobStatus, Message


class RedisJobs(RedisStore):
    _due_at = math.inf  #: `time.monotonic()` at which a job is ready again

    @answered
    def job(self, job_id: str) -> JobStatus | None:
        return self._statuses([job_id], with_large=True)[0]

    @answered
    def jobs(self, job_ids: Sequence[str]) -> list[JobStatus | None]:
        return self._statuses(job_ids, with_large=False)

    @answered
    def job_states(self, job_ids: Sequence[str]) -> list[JobState | None]:
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(self._key("state", job_id), "state")
            return [JobState(state) if state else None for state in pipe.execute()]

    def _statuses(self, job_ids: Sequence[str], with_large: bool) -> list[JobStatus | None]:
        with self._redis.pipeline() as pipe:
            for job_id in job_ids:
                pipe.hgetall(self._key("state", job_id)).get(self._key("job", job_id)).get(self._key("outcome", job_id))
            found = pipe.execute()
        each = zip(found[::3], found[1::3], found[2::3], strict=True)
        return [self._status(*texts, with_large) for texts in each]

    def _status(
        self, state: dict[str, str], text: str | None, outcome: str | None, with_large: bool
    ) -> JobStatus | None:
        job = self._stored_job(state["run"], text, with_large) if state and text else None
        if job is None:
            return None
        return JobStatus(
            job=job,
            state=JobState(state["state"]),
            attempt=int(state.get("attempt", 0)),
            worker=state.get("worker"),
            outcome=read_outcome(outcome) if outcome else None,
        )

    def _stored_job(self, run_id: str, text: str, with_large: bool) -> Job | None:
        """The job; None if its run, which has the large values of its input, was forgotten before it."""
        shas = shas_of(text)
        if not shas or not with_large:
            return read_small(text)
        values = self._redis.hmget(self._key("payloads", run_id), shas)
        return None if None in values else read_job(text, values)

    @answered
    def release(self, jobs: Iterable[Job]) -> int:
        return sum(self._run("release", *piece) for piece in in_pieces(jobs))

    @answered
    def cancel(self, job_ids: Sequence[str]) -> int:
        return sum(self._run("cancel", *piece) for piece in pieces(job_ids))

    @answered
    def take_ready(
        self,
        window: int,
        weights: Mapping[str, float] = MappingProxyType({}),
        ageing_s: float = 300.0,
        workers: Mapping[str, int] = MappingProxyType({}),
    ) -> list[Message]:
        check_order(weights, ageing_s)
        words = [word for each in (*workers.items(), *weights.items()) for word in each]
        arguments = [JOBS_A_CALL, window, 1000 * ageing_s, len(workers), *words]
        messages, (_, due_in_ms) = self._drain("take_ready", 2, *arguments)
        self._due_at = math.inf if due_in_ms < 0 else time.monotonic() + due_in_ms / 1000
        return messages

    @answered
    def wait_ready(self, wait_ms: int) -> None:
        until = time.monotonic() + wait_ms / 1000
        while (left_s := min(until, self._due_at) - time.monotonic()) > 0:
            woken = self._redis.blpop([self._key("wake")], timeout=min(left_s, BLOCK_MS / 1000))
            if woken:
                self._due_at = min(self._due_at, time.monotonic() + int(woken[1]) / 1000)

    @answered
    def sweep(self, silent_ms: int) -> list[Message]:
        self._resume()
        return self._drain("sweep", 1, silent_ms, self._now_ms() - silent_ms + 1, JOBS_A_CALL)[0]

    def _resume(self) -> None:
        """Go on with what a crash interrupted between two pieces."""
        unfinished = {"close_run": "closing", "remake": "reopening", "settle": "settling"}
        with self._redis.pipeline(transaction=False) as pipe:
            for kind in unfinished.values():
                pipe.smembers(self._key(kind))
            left = zip(unfinished, pipe.execute(), strict=True)
        for script, ids in left:
            for each in ids:
                self._repeat(script, each)
