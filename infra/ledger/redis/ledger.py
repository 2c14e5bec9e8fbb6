"""The ledger on Redis: records to arguments and back. Knows no rule: those are the scripts beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self, TypeVar
from uuid import uuid4

import redis
from pydantic_core import from_json, to_json

from infra.ledger.payloads import read_job, shas_of
from infra.ledger.protocol import ENTRY_ID, LedgerUnavailable, check_limit, check_order
from infra.ledger.redis import scripts
from infra.ledger.redis.arguments import JOBS_A_CALL, Argument, in_pieces, of_jobs, of_outcome
from infra.ledger.redis.client import BLOCK_MS, answered, connect
from infra.ledger.unreadable import UNREAD_RETRY_MS, read_outcome, readable_runs, unread_job
from infra.records import (
    Cause,
    Claim,
    DeadLetter,
    Event,
    Idempotency,
    Job,
    JobState,
    JobStatus,
    Json,
    Load,
    Outcome,
    Prior,
    Priority,
    Refusal,
    RunRecord,
    Saving,
    StepResult,
    TypeState,
)
from infra.settings import Settings

T = TypeVar("T")

GROUP = "coordinator"
WEEK_S = 7 * 24 * 3600
EVENTS_READ = 1_000  #: most events of one read
#: In the time after which an outcome counts as left by its consumer.
LOOKS = 4
REPLICAS_MS = 2_000  #: for so long it is waited until replicas have what was written
STOPS_READ = 100
DEPTHS = ("pending", "ready", "sent", "running", *map(str, Cause), "oldest_ms")


class RedisLedger:
    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        *,
        retention_s: int = WEEK_S,
        idle_ms: int = 5_000,
        replicas: int = 0,
    ) -> None:
        """`idle_ms`: after which outcomes that a consumer took and did not acknowledge are handed out again.
        `replicas` must have a run before it counts as created: LedgerUnavailable else, though it may be done."""
        self._redis: Any = client  # redis-py types its answers as "awaitable or not"
        self._prefix = prefix
        self._retention_s = retention_s
        self._idle_ms = idle_ms
        self._replicas = replicas
        self._look_at = 0.0  #: `time.monotonic()` of the next look for outcomes that a consumer has left
        self._due_at = math.inf  #: `time.monotonic()` at which a job is ready again
        self._scripts = {name: client.register_script(scripts.load(name)) for name in scripts.SCRIPTS}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(connect(settings), settings.prefix, retention_s=settings.retention_s, replicas=settings.replicas)

    # -- runs --

    @answered
    def create_run(
        self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event], key: Idempotency | None = None
    ) -> Prior | None:
        asked: list[Argument] = ["", "", 0]
        if key:
            asked = [key.key, Prior(run_id=run.id, fingerprint=key.fingerprint).model_dump_json(), key.keep_s]
        prior = self._run(
            "create_run", run.id, run.model_dump_json(), run.state, _waits_until(run), *asked,
            len(events), *map(_dump, events), *of_jobs(jobs),
        )  # fmt: skip
        self._await_replicas()
        return Prior.model_validate_json(prior) if prior else None

    @answered
    def find_key(self, key: str) -> Prior | None:
        prior = self._redis.get(self._key("asked", key))
        if prior:  # what it was used for may be as young as this
            self._await_replicas()
        return Prior.model_validate_json(prior) if prior else None

    @answered
    def reopen(self, run: RunRecord, jobs: Sequence[Job], forget: Sequence[str], events: Sequence[Event]) -> bool:
        """The jobs are put aside first: a crash then leaves all as it was, or the rest to the next sweep."""
        nonce = uuid4().hex
        self._repeat("close_run", run.id)
        if not all(self._run("stage", run.id, run.version, nonce, *piece) for piece in in_pieces(jobs)):
            return False
        record = _saved(run)
        reopened = self._run(
            "reopen", run.id, run.version, nonce, record, len(forget), len(events), *forget, *map(_dump, events)
        )
        if reopened:
            self._repeat("remake", run.id)
        return bool(reopened)

    @answered
    def overdue(self, limit: int = 100) -> list[str]:
        check_limit(limit)
        return list(self._redis.zrangebyscore(self._key("unsure"), "-inf", self._now_ms(), start=0, num=limit))

    @answered
    def load_run(self, run_id: str) -> RunRecord | None:
        record = self._redis.hget(self._key("run", run_id), "record")
        return RunRecord.model_validate_json(record) if record else None

    @answered
    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        record = _saved(run)
        outputs = [field for r in results for field in (r.step_id, r.index, _compact(r.output))]
        saved, closing = self._run(
            "advance", run.id, run.version, uuid4().hex, run.state, record, _waits_until(run),
            len(results), len(events), len(acks), *outputs, *map(_dump, events), *acks,
        )  # fmt: skip
        if closing:
            self._repeat("close_run", run.id)
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
        check_limit(limit)
        ids = self._redis.lrange(self._key("runs"), 0, limit - 1)
        with self._redis.pipeline(transaction=False) as pipe:
            for run_id in ids:
                pipe.hget(self._key("run", run_id), "record")
            return list(readable_runs(filter(None, pipe.execute())))

    # -- saved plans --

    @answered
    def save_plan(self, tenant: str, name: str, plan: Json, most: int) -> Saving:
        saving = Saving(self._run("save_plan", tenant, name, _compact(plan), most))
        self._await_replicas()
        return saving

    @answered
    def saved_plan(self, tenant: str, name: str) -> Json | None:
        plan = self._redis.hget(self._key("plans", tenant), name)
        return from_json(plan) if plan else None

    @answered
    def saved_plans(self, tenant: str) -> dict[str, Json]:
        plans = self._redis.hgetall(self._key("plans", tenant))
        return {name: from_json(plans[name]) for name in sorted(plans)}

    @answered
    def delete_plan(self, tenant: str, name: str) -> bool:
        return bool(self._redis.hdel(self._key("plans", tenant), name))

    # -- jobs: the coordinator --

    @answered
    def release(self, jobs: Iterable[Job]) -> int:
        return sum(self._run("release", *piece) for piece in in_pieces(jobs))

    @answered
    def cancel(self, job_ids: Sequence[str]) -> int:
        return sum(self._run("cancel", *piece) for piece in _pieces(job_ids))

    @answered
    def take_ready(
        self, window: int, weights: Mapping[str, float] = MappingProxyType({}), ageing_s: float = 300.0
    ) -> list[tuple[str, str]]:
        check_order(weights, ageing_s)
        arguments = [JOBS_A_CALL, window, 1000 * ageing_s, *(word for weight in weights.items() for word in weight)]
        pairs, (_, due_in_ms) = self._drain("take_ready", 2, *arguments)
        self._due_at = math.inf if due_in_ms < 0 else time.monotonic() + due_in_ms / 1000
        return pairs

    @answered
    def wait_ready(self, wait_ms: int) -> None:
        until = time.monotonic() + wait_ms / 1000
        while (left_s := min(until, self._due_at) - time.monotonic()) > 0:
            woken = self._redis.blpop([self._key("wake")], timeout=min(left_s, BLOCK_MS / 1000))
            if woken:
                self._due_at = min(self._due_at, time.monotonic() + int(woken[1]) / 1000)

    @answered
    def sweep(self, silent_ms: int) -> list[tuple[str, str]]:
        self._resume()
        return self._drain("sweep", 1, silent_ms, self._now_ms() - silent_ms + 1, JOBS_A_CALL)[0]

    @answered
    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        check_limit(limit)
        try:
            entries = self._abandoned(consumer, limit) or self._new(consumer, limit, wait_ms)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group()
            return self.outcomes(consumer, limit, wait_ms)
        read = [(entry, read_outcome(fields.get("outcome", ""))) for entry, fields in entries if fields]
        self.acknowledge([entry for entry, outcome in read if outcome is None])
        return [(entry, outcome) for entry, outcome in read if outcome]

    # -- jobs: workers --

    @answered
    def claim(self, job_id: str, worker: str, lease_ms: int) -> Claim | Refusal:
        token = uuid4().hex
        answer, *granted = self._run("claim", job_id, worker, lease_ms, token)
        if answer != "claimed":
            return Refusal(answer)
        text, attempt, wait_ms, lost, *values = granted
        try:
            job = read_job(text, values)
        except ValueError:
            return self._refuse_unread(job_id, worker, token, attempt)
        return Claim(job=job, token=token, attempt=attempt, wait_ms=wait_ms, lost=lost)

    @answered
    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        if not claims:
            return []
        return list(self._run("renew", lease_ms, *(field for claim in claims.items() for field in claim)))

    @answered
    def commit(self, outcome: Outcome, token: str, retry_ms: int | None = None) -> bool:
        if not outcome.state.ended:
            raise ValueError(f"job {outcome.job_id!r} cannot be committed as {outcome.state}: that is not an end")
        accepted, settling = self._run("commit", *of_outcome(outcome, token, retry_ms))
        if settling:
            self._repeat("settle", token)
        return bool(accepted)

    @answered
    def hand_back(self, job_id: str, token: str) -> bool:
        return bool(self._run("hand_back", job_id, token))

    @answered
    def stops(self, worker: str, wait_ms: int) -> list[str]:
        found = _within(wait_ms, lambda block: self._pop_stops(self._key("stops", worker), block))
        return found[1] if found else []

    # -- anyone --

    @answered
    def job(self, job_id: str) -> JobStatus | None:
        with self._redis.pipeline() as pipe:
            pipe.hgetall(self._key("state", job_id)).get(self._key("job", job_id)).get(self._key("outcome", job_id))
            state, text, outcome = pipe.execute()
        if not state or not text:
            return None
        shas = shas_of(text)
        values = self._redis.hmget(self._key("payloads", state["run"]), shas) if shas else []
        if None in values:  # its run was forgotten before it
            return None
        return JobStatus(
            job=read_job(text, values),
            state=JobState(state["state"]),
            attempt=int(state.get("attempt", 0)),
            worker=state.get("worker"),
            outcome=read_outcome(outcome) if outcome else None,
        )

    @answered
    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        lines = sorted(self._run("depths", *job_types))
        return {job_type: dict(zip(DEPTHS, counts, strict=True)) for job_type, *counts in lines}

    @answered
    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        return dict(zip(job_types, map(_load, self._run("loads", *job_types)), strict=True))

    @answered
    def set_type_state(self, job_type: str, state: TypeState) -> None:
        with self._redis.pipeline() as pipe:
            if state is TypeState.OPEN:
                pipe.hdel(self._key("type_states"), job_type)
            else:
                pipe.hset(self._key("type_states"), job_type, state)
            pipe.hset(self._key("load", job_type), "since", 0)  # a pause is no slowness
            pipe.lpush(self._key("wake"), 0).ltrim(self._key("wake"), 0, 0).execute()

    @answered
    def type_states(self) -> dict[str, TypeState]:
        states = self._redis.hgetall(self._key("type_states"))
        return {job_type: TypeState(state) for job_type, state in sorted(states.items())}

    @answered
    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        check_limit(limit)
        types = self._redis.smembers(self._key("types")) if job_type is None else [job_type]
        places = [(each, of) for each in types for of in (Cause if cause is None else [cause])]
        with self._redis.pipeline(transaction=False) as pipe:
            for each, of in places:
                pipe.zrevrange(self._key(of, each), 0, limit - 1, withscores=True)
            found = zip(places, pipe.execute(), strict=True)
        letters = [(int(at_ms), job_id, *place) for place, jobs in found for job_id, at_ms in jobs]
        return [letter for piece in _pieces(sorted(letters, reverse=True)[:limit]) for letter in self._letters(piece)]

    @answered
    def purge(self, job_ids: Sequence[str]) -> int:
        return sum(self._run("purge", *piece) for piece in _pieces(job_ids))

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

    def _now_ms(self) -> int:
        """By the clock of Redis."""
        seconds, microseconds = self._redis.time()
        return int(1000 * seconds + microseconds // 1000)

    def _run(self, name: str, *arguments: Argument) -> Any:
        return self._scripts[name](keys=[self._prefix], args=[self._retention_s, *arguments])

    def _drain(self, name: str, head: int, *arguments: Argument) -> tuple[list[tuple[str, str]], list[int]]:
        """Repeat a script that handles a piece at a time until nothing is left: the pairs of all its answers, and the
        numbers, `head` of them, that are before these in the last one. The first says whether there may be more."""
        pairs: list[tuple[str, str]] = []
        numbers = [1]
        while numbers[0]:
            answer = self._run(name, *arguments)
            numbers = answer[:head]
            pairs += zip(answer[head::2], answer[head + 1 :: 2], strict=True)
        return pairs, numbers

    def _await_replicas(self) -> None:
        """Raise LedgerUnavailable unless as many replicas as are asked for have all that was written so far."""
        if not self._replicas:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            # WAIT asks for the last write of its own connection, so there is to be one.
            pipe.set(self._key("replicated"), 1).wait(self._replicas, REPLICAS_MS)
            _, have = pipe.execute()
        if have < self._replicas:
            raise LedgerUnavailable(f"{have} of {self._replicas} replicas of Redis have what was written")

    def _repeat(self, name: str, of: str) -> None:
        """Repeat a script that handles a piece at a time until nothing is left."""
        while self._run(name, of, JOBS_A_CALL):
            pass

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

    def _refuse_unread(self, job_id: str, worker: str, token: str, attempt: int) -> Refusal:
        """Of a claim that was granted: a failure, so that another worker may try, and not for ever."""
        fields = ("run", "step", "index", "round", "attempts")
        run_id, step_id, index, round_, attempts = self._redis.hmget(self._key("state", job_id), fields)
        place = {"job_id": job_id, "run_id": run_id, "step_id": step_id, "index": index, "attempt": attempt}
        self.commit(unread_job(worker, place | {"round": round_ or 0}), token, UNREAD_RETRY_MS)
        return Refusal.PAUSED if attempt < int(attempts) else Refusal.ENDED

    def _letters(self, found: Sequence[tuple[int, str, str, Cause]]) -> Iterator[DeadLetter]:
        outcomes = self._redis.mget([self._key("outcome", job_id) for _, job_id, _, _ in found])
        for (at_ms, job_id, job_type, cause), text in zip(found, outcomes, strict=True):
            outcome = read_outcome(text) if text else None
            if outcome and outcome.failure:  # else forgotten in between
                yield DeadLetter(
                    job_id=job_id, type=job_type, cause=cause, at_ms=at_ms,
                    failure=outcome.failure, attempt=outcome.attempt,
                )  # fmt: skip

    def _pop_stops(self, key: str, block: int | None) -> Any:
        if block is None:
            return self._redis.lmpop(1, key, direction="LEFT", count=STOPS_READ)
        return self._redis.blmpop(block / 1000, 1, key, direction="LEFT", count=STOPS_READ)

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


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + JOBS_A_CALL] for start in range(0, len(items), JOBS_A_CALL))


def _load(counts: Any) -> Load:
    """What `loads` answers for one type."""
    state, sent, running, pending, tokens, speed, flat = counts
    ready: dict[Priority, dict[str, int]] = {}
    for rank, tenant, count in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        ready.setdefault(list(Priority)[int(rank)], {})[tenant] = count
    return Load(
        state=TypeState(state or TypeState.OPEN),
        ready=ready,
        sent=sent,
        running=running,
        pending=pending,
        tokens=tokens,
        tokens_per_s=float(speed) if speed else None,
    )


def _saved(run: RunRecord) -> str:
    return run.model_copy(update={"version": run.version + 1}).model_dump_json()


def _waits_until(run: RunRecord) -> Argument:
    return "" if run.waits_until_ms is None else run.waits_until_ms


def _compact(value: Json) -> str:
    return to_json(value).decode()


def _dump(record: Event) -> str:
    return record.model_dump_json()
