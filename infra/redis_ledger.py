"""The ledger on Redis: records to arguments and back. Knows no rule: those are the scripts in `infra.scripts`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self
from uuid import uuid4

import redis
from pydantic_core import from_json, to_json

from infra import scripts
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
from infra.redis_client import BLOCK_MS, answered, connect
from infra.settings import Settings

GROUP = "coordinator"
WEEK_S = 7 * 24 * 3600
EVENTS_READ = 1_000  #: most events of one read
#: What one script handles, so that Redis answers others in between: about 10 ms of work each.
JOBS_A_CALL = 250
RELEASE_BYTES = 4_000_000
#: In the time after which an outcome counts as left by its consumer.
LOOKS = 4
DEPTHS = ("ready", "sent", "running", "dead", "oldest_ms")


class RedisLedger:
    def __init__(self, client: redis.Redis, prefix: str, *, retention_s: int = WEEK_S, idle_ms: int = 5_000) -> None:
        """`idle_ms`: after which outcomes that a consumer took and did not acknowledge are handed out again."""
        self._redis: Any = client  # redis-py types its answers as "awaitable or not"
        self._prefix = prefix
        self._retention_s = retention_s
        self._idle_ms = idle_ms
        self._look_at = 0.0  #: `time.monotonic()` of the next look for outcomes that a consumer has left
        self._scripts = {name: client.register_script(scripts.load(name)) for name in scripts.NAMES}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(connect(settings), settings.prefix, retention_s=settings.retention_s)

    # -- runs --

    @answered
    def create_run(self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event]) -> None:
        fields = [field for job in jobs for field in _fields(job)]
        self._run("create_run", run.id, run.model_dump_json(), len(events), *map(_dump, events), *fields)

    @answered
    def load_run(self, run_id: str) -> RunRecord | None:
        record = self._redis.hget(self._key("run", run_id), "record")
        return RunRecord.model_validate_json(record) if record else None

    @answered
    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        record = run.model_copy(update={"version": run.version + 1}).model_dump_json()
        outputs = [field for r in results for field in (r.step_id, r.index, _compact(r.output))]
        saved, closing = self._run(
            "advance", run.id, run.version, uuid4().hex, run.state, record,
            len(results), len(events), len(acks), *outputs, *map(_dump, events), *acks,
        )  # fmt: skip
        if closing:
            self._close(run.id)
        return bool(saved)

    @answered
    def acknowledge(self, acks: Sequence[str]) -> None:
        if acks:
            with self._redis.pipeline() as pipe:
                pipe.xack(self._key("outcomes"), GROUP, *acks).xdel(self._key("outcomes"), *acks).execute()

    @answered
    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        outputs = self._redis.hgetall(self._key("results", run_id, step_id))
        return {int(index): from_json(output) for index, output in outputs.items()}

    @answered
    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        if not ENTRY_ID.fullmatch(after):
            raise ValueError(f"no event has the id {after!r}; ids look like 1700000000000-0")
        stream = self._key("events", run_id)
        answer = _within(wait_ms, lambda block: self._redis.xread({stream: after}, count=EVENTS_READ, block=block))
        entries = answer[0][1] if answer else []
        return [(entry, Event.model_validate_json(fields["event"])) for entry, fields in entries]

    @answered
    def recent_runs(self, limit: int = 50) -> list[RunRecord]:
        ids = self._redis.lrange(self._key("runs"), 0, limit - 1)
        with self._redis.pipeline(transaction=False) as pipe:
            for run_id in ids:
                pipe.hget(self._key("run", run_id), "record")
            return [RunRecord.model_validate_json(record) for record in pipe.execute() if record]

    # -- jobs: the coordinator --

    @answered
    def release(self, jobs: Iterable[Job]) -> int:
        return sum(self._run("release", *fields) for fields in _chunks(jobs))

    @answered
    def take_ready(self, window: int) -> list[tuple[str, str]]:
        return self._drain("take_ready", window)

    @answered
    def wait_ready(self, wait_ms: int) -> None:
        _within(wait_ms, lambda block: block and self._redis.blpop([self._key("wake")], timeout=block / 1000))

    @answered
    def sweep(self, silent_ms: int) -> list[tuple[str, str]]:
        for run_id in self._redis.smembers(self._key("closing")):
            self._close(run_id)
        seconds, microseconds = self._redis.time()
        now_ms = 1000 * seconds + microseconds // 1000
        return self._drain("sweep", silent_ms, now_ms - silent_ms + 1)

    @answered
    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        try:
            entries = self._abandoned(consumer, limit) or self._new(consumer, limit, wait_ms)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group()
            entries = self._new(consumer, limit, wait_ms)
        return [(entry, Outcome.model_validate_json(fields["outcome"])) for entry, fields in entries if fields]

    # -- jobs: workers --

    @answered
    def claim(self, job_id: str, worker: str, lease_ms: int) -> Claim | Refusal:
        token = uuid4().hex
        answer, *granted = self._run("claim", job_id, worker, lease_ms, token)
        if answer != "claimed":
            return Refusal(answer)
        job, attempt, wait_ms = granted
        return Claim(job=Job.model_validate_json(job), token=token, attempt=attempt, wait_ms=wait_ms)

    @answered
    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        if not claims:
            return []
        return list(self._run("renew", lease_ms, *(field for claim in claims.items() for field in claim)))

    @answered
    def commit(self, outcome: Outcome, token: str) -> bool:
        if not outcome.state.ended:
            raise ValueError(f"job {outcome.job_id!r} cannot be committed as {outcome.state}: that is not an end")
        again = int(outcome.failure is not None and outcome.failure.retryable)
        return bool(self._run("commit", outcome.job_id, token, outcome.state, _dump(outcome), again))

    # -- anyone --

    @answered
    def job(self, job_id: str) -> JobStatus | None:
        with self._redis.pipeline() as pipe:
            pipe.hgetall(self._key("state", job_id)).get(self._key("job", job_id)).get(self._key("outcome", job_id))
            state, job, outcome = pipe.execute()
        if not state or not job:
            return None
        return JobStatus(
            job=Job.model_validate_json(job),
            state=JobState(state["state"]),
            attempt=int(state["attempt"]),
            worker=state.get("worker"),
            outcome=Outcome.model_validate_json(outcome) if outcome else None,
        )

    @answered
    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        flat, size = self._run("depths", *job_types), 1 + len(DEPTHS)
        lines = sorted(flat[start : start + size] for start in range(0, len(flat), size))
        return {job_type: dict(zip(DEPTHS, counts, strict=True)) for job_type, *counts in lines}

    @answered
    def unacknowledged(self) -> int:
        return int(self._redis.xlen(self._key("outcomes")))

    @answered
    def beat(self, worker: str, about: Json, ttl_ms: int) -> None:
        self._run("beat", worker, _compact(about), ttl_ms)

    @answered
    def leave(self, worker: str) -> None:
        self._run("leave", worker)

    @answered
    def workers(self) -> dict[str, Json]:
        names = self._redis.zrange(self._key("workers"), 0, -1)
        abouts = self._redis.mget([self._key("worker", name) for name in names]) if names else []
        return {name: from_json(about) for name, about in zip(names, abouts, strict=True) if about}

    @answered
    def ping(self) -> None:
        self._redis.ping()

    @answered
    def close(self) -> None:
        self._redis.close()

    # -- how --

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _run(self, name: str, *arguments: str | int) -> Any:
        return self._scripts[name](keys=[self._prefix], args=[self._retention_s, *arguments])

    def _drain(self, name: str, *arguments: int) -> list[tuple[str, str]]:
        """Repeat a script that handles a piece at a time until nothing is left; the pairs of all its answers."""
        pairs: list[tuple[str, str]] = []
        more = 1
        while more:
            more, *flat = self._run(name, *arguments, JOBS_A_CALL)
            pairs += zip(flat[::2], flat[1::2], strict=True)
        return pairs

    def _close(self, run_id: str) -> None:
        while self._run("close_run", run_id, JOBS_A_CALL):
            pass

    def _abandoned(self, consumer: str, limit: int) -> Any:
        """Looked for a few times in the time after which they count as such: each look is a round trip."""
        if time.monotonic() < self._look_at:
            return []
        found = self._redis.xautoclaim(self._key("outcomes"), GROUP, consumer, self._idle_ms, "0", count=limit)[1]
        if len(found) < limit:
            self._look_at = time.monotonic() + self._idle_ms / 1000 / LOOKS
        return found

    def _new(self, consumer: str, limit: int, wait_ms: int) -> Any:
        streams = {self._key("outcomes"): ">"}
        answer = _within(wait_ms, lambda block: self._redis.xreadgroup(GROUP, consumer, streams, limit, block))
        return answer[0][1] if answer else []

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(self._key("outcomes"), GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # another consumer made it in between
                raise


def _within(wait_ms: int, ask: Callable[[int | None], Any]) -> Any:
    """Ask, letting Redis wait a few seconds at most each time, until there is an answer or `wait_ms` have passed."""
    until = time.monotonic() + wait_ms / 1000
    while True:
        left_ms = int(1000 * (until - time.monotonic()))
        answer = ask(min(left_ms, BLOCK_MS) if left_ms > 0 else None)
        if answer or left_ms <= BLOCK_MS:
            return answer


def _compact(value: Json) -> str:
    return to_json(value).decode()


def _dump(record: Event | Outcome) -> str:
    return record.model_dump_json()


def _fields(job: Job) -> list[str | int]:
    """A job as the scripts take it; see `release_jobs`."""
    deadline_ms = "" if job.deadline_ms is None else job.deadline_ms
    return [
        job.id, job.type, job.run_id, job.step_id, job.index, job.attempts, deadline_ms, job.model_dump_json(),
    ]  # fmt: skip


def _chunks(jobs: Iterable[Job]) -> Iterator[list[str | int]]:
    """The fields of jobs, in pieces that are neither too many nor too large for one script."""
    fields: list[str | int] = []
    count = size = 0
    for job in jobs:
        new = _fields(job)
        fields += new
        count, size = count + 1, size + len(str(new[-1]))
        if count == JOBS_A_CALL or size > RELEASE_BYTES:
            yield fields
            fields, count, size = [], 0, 0
    if fields:
        yield fields
