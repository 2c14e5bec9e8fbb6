"""Runs and saved plans in this process's memory: the twin of the scripts that change runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic_core import from_json, to_json

from infra.ledger.memory.store import MemoryStore
from infra.ledger.protocol import ENTRY_ID, check_limit
from infra.listing import RunPage, RunQuery
from infra.records import Event, Idempotency, Job, Json, Prior, RunRecord, RunState, Saving, StepResult


class MemoryRuns(MemoryStore):
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

    def find_keys(self, keys: Sequence[str]) -> list[Prior | None]:
        with self._changed:
            return [self._runs.prior(key) for key in keys]

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

    def list_runs(self, query: RunQuery) -> RunPage:
        check_limit(query.limit)
        with self._changed:
            return self._runs.page(query)

    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        with self._changed:
            return self._runs.results(run_id, step_id)

    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        return self.news({run_id: after}, wait_ms).get(run_id, [])

    def last_event(self, run_id: str) -> str:
        with self._changed:
            return self._runs.last_event(run_id)

    def news(self, after: Mapping[str, str], wait_ms: int = 0) -> dict[str, list[tuple[str, Event]]]:
        places = {run_id: _place(entry) for run_id, entry in after.items()}

        def found() -> dict[str, list[tuple[str, Event]]]:
            each = ((run_id, self._runs.events(run_id, place)) for run_id, place in places.items())
            return {run_id: events for run_id, events in each if events}

        with self._changed:
            self._changed.wait_for(found, wait_ms / 1000)
            return found()

    def ring(self, bell: str) -> None:
        with self._change():
            self._runs.ring(bell)

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


def _place(entry: str) -> int:
    match = ENTRY_ID.fullmatch(entry)
    if not match:
        raise ValueError(f"no event has the id {entry!r}; ids look like 1700000000000-0")
    return int(match[1])
