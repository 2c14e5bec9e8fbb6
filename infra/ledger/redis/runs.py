"""Runs on Redis: their records, results and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

from pydantic_core import from_json

from infra.ledger.protocol import ENTRY_ID, check_limit
from infra.ledger.redis.arguments import Argument, in_pieces, of_jobs
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, compact, within
from infra.ledger.unreadable import readable_runs
from infra.listing import LOOKS, ListedRun, RunPage, RunQuery
from infra.records import Event, Idempotency, Job, Json, Prior, RunRecord, StepResult

EVENTS_READ = 1_000  #: the most events of one read
BELL_S = 60  #: how long a bell is kept after it was rung
_RUNG = Event(name="bell.rung", data={})


class RedisRuns(RedisStore):
    @answered
    def create_run(
        self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event], key: Idempotency | None = None
    ) -> Prior | None:
        asked: list[Argument] = ["", "", 0]
        if key:
            asked = [key.key, Prior(run_id=run.id, fingerprint=key.fingerprint).model_dump_json(), key.keep_s]
        prior = self._run(
            "create_run", run.id, run.model_dump_json(), run.state, _lists(run), _waits_until(run), *asked,
            len(events), *map(_dump, events), *of_jobs(jobs),
        )  # fmt: skip
        self._await_replicas()
        return Prior.model_validate_json(prior) if prior else None

    @answered
    def find_key(self, key: str) -> Prior | None:
        return self.find_keys([key])[0]

    @answered
    def find_keys(self, keys: Sequence[str]) -> list[Prior | None]:
        found = self._redis.mget([self._key("asked", key) for key in keys]) if keys else []
        if any(found):  # the run that a key was used for may be as young as the key
            self._await_replicas()
        return [Prior.model_validate_json(prior) if prior else None for prior in found]

    @answered
    def load_run(self, run_id: str) -> RunRecord | None:
        record = self._redis.hget(self._key("run", run_id), "record")
        return RunRecord.model_validate_json(record) if record else None

    @answered
    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        record = _saved(run)
        outputs = [field for r in results for field in (r.step_id, r.index, compact(r.output))]
        saved, closing = self._run(
            "advance", run.id, run.version, uuid4().hex, run.state, _lists(run), record, _waits_until(run),
            len(results), len(events), len(acks), *outputs, *map(_dump, events), *acks,
        )  # fmt: skip
        if closing:
            self._repeat("close_run", run.id)
        return bool(saved)

    @answered
    def reopen(self, run: RunRecord, jobs: Sequence[Job], forget: Sequence[str], events: Sequence[Event]) -> bool:
        """The new jobs are stored in a list first.

        A crash before the run is saved changes nothing; after it, the next sweep makes the jobs of the list.
        """
        nonce = uuid4().hex
        self._repeat("close_run", run.id)
        if not all(self._run("stage", run.id, run.version, nonce, *piece) for piece in in_pieces(jobs)):
            return False
        record = _saved(run)
        reopened = self._run(
            "reopen", run.id, run.version, nonce, record, _lists(run), len(forget), len(events),
            *forget, *map(_dump, events),
        )  # fmt: skip
        if reopened:
            self._repeat("remake", run.id)
        return bool(reopened)

    @answered
    def overdue(self, limit: int = 100) -> list[str]:
        check_limit(limit)
        return list(self._redis.zrangebyscore(self._key("unsure"), "-inf", self._now_ms(), start=0, num=limit))

    @answered
    def list_runs(self, query: RunQuery) -> RunPage:
        check_limit(query.limit)
        lowest, highest = query.places
        ends = (lowest, highest) if query.oldest_first else (highest, lowest)
        behind, *found = self._run(
            "list_runs", query.limit, LOOKS, int(not query.oldest_first), *ends, *query.lists
        )  # fmt: skip
        places = dict(zip(found[::2], map(int, found[1::2]), strict=True))
        with self._redis.pipeline(transaction=False) as pipe:
            for run_id in places:
                pipe.hget(self._key("run", run_id), "record")
            records = readable_runs(filter(None, pipe.execute()))
        return RunPage([ListedRun(places[run.id], run) for run in records], int(behind) if behind else None)

    @answered
    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        outputs = self._redis.hgetall(self._key("results", run_id, step_id))
        return {int(index): from_json(output) for index, output in outputs.items()}

    @answered
    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        return self.news({run_id: after}, wait_ms).get(run_id, [])

    @answered
    def last_event(self, run_id: str) -> str:
        newest = self._redis.xrevrange(self._key("events", run_id), count=1)
        return str(newest[0][0]) if newest else "0"

    @answered
    def news(self, after: Mapping[str, str], wait_ms: int = 0) -> dict[str, list[tuple[str, Event]]]:
        for entry in after.values():
            if not ENTRY_ID.fullmatch(entry):
                raise ValueError(f"no event has the id {entry!r}; ids look like 1700000000000-0")
        streams = {self._key("events", run_id): entry for run_id, entry in after.items()}
        answer = within(wait_ms, lambda block: self._redis.xread(streams, count=EVENTS_READ, block=block))
        named = dict(zip(streams, after, strict=True))
        return {named[stream]: [_event(*entry) for entry in entries] for stream, entries in answer or ()}

    @answered
    def ring(self, bell: str) -> None:
        key = self._key("events", bell)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"event": _dump(_RUNG)}, maxlen=1, approximate=False).expire(key, BELL_S)
            pipe.execute()


def _saved(run: RunRecord) -> str:
    return run.model_copy(update={"version": run.version + 1}).model_dump_json()


def _waits_until(run: RunRecord) -> Argument:
    return "" if run.waits_until_ms is None else run.waits_until_ms


def _lists(run: RunRecord) -> str:
    return " ".join(run.in_lists)


def _event(entry: str, fields: dict[str, str]) -> tuple[str, Event]:
    return entry, Event.model_validate_json(fields["event"])


def _dump(record: Event) -> str:
    return record.model_dump_json()
