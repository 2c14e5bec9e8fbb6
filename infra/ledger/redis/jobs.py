"""Jobs on Redis, as the coordinator makes, sends and ends them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from infra.ledger.payloads import read_job, shas_of
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
        with self._redis.pipeline() as pipe:
            pipe.hgetall(self._key("state", job_id)).get(self._key("job", job_id)).get(self._key("outcome", job_id))
            state, text, outcome = pipe.execute()
        if not state or not text:
            return None
        shas = shas_of(text)
        values = self._redis.hmget(self._key("payloads", state["run"]), shas) if shas else []
        if None in values:  # the run was forgotten before its job
            return None
        return JobStatus(
            job=read_job(text, values),
            state=JobState(state["state"]),
            attempt=int(state.get("attempt", 0)),
            worker=state.get("worker"),
            outcome=read_outcome(outcome) if outcome else None,
        )

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
