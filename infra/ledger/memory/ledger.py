"""The product's rules are the Lua scripts of `infra.ledger.redis.scripts`; this is a twin of them, in this process's
memory, for tests. The contract tests hold it to them. It shares nothing with other processes."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import from_json, to_json

from infra.ledger.memory.jobs import MemoryJobs
from infra.ledger.memory.keys import MemoryKeys
from infra.ledger.memory.runs import MemoryRuns
from infra.ledger.protocol import check_limit
from infra.listing import LetterPage, LetterQuery
from infra.records import Cause, DeadLetter, Json, Load, TypeState


class MemoryLedger(MemoryRuns, MemoryJobs, MemoryKeys):
    """Fulfils `infra.ledger.protocol.Ledger`. The methods for job types, dead letters and workers are here."""

    def type_states(self) -> dict[str, TypeState]:
        with self._changed:
            return dict(self._table.states)

    def set_type_state(self, job_type: str, state: TypeState) -> None:
        with self._change():
            self._table.set_state(job_type, state)

    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        with self._changed:
            return self._table.depths(job_types)

    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        with self._changed:
            return {job_type: self._table.load(job_type) for job_type in job_types}

    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        return self.list_letters(LetterQuery(type=job_type, cause=cause, limit=limit)).letters

    def list_letters(self, query: LetterQuery) -> LetterPage:
        check_limit(query.limit)
        with self._changed:
            return self._table.letters.page(query)

    def purge(self, job_ids: Sequence[str]) -> int:
        with self._change():
            letters = [job_id for job_id in dict.fromkeys(job_ids) if job_id in self._table.letters]
            for entry in filter(None, map(self._table.find, letters)):
                if entry.job.run_id in self._runs and not self._runs.ended(entry.job.run_id):
                    self._table.strip(entry)
                else:
                    self._table.forget(entry.id)
            return len(letters)

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
        """There is nothing to give back."""
