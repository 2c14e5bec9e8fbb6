"""Runs in this process's memory: their records, results, events and keys. Knows no lock and no job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pydantic_core import from_json, to_json

from infra.listing import ListedRun, RunPage, RunQuery
from infra.records import Event, Idempotency, Json, Prior, RunRecord, RunState, StepResult

EVENTS_READ = 1_000


class RunTable:
    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._runs: dict[str, RunRecord] = {}
        self._places: dict[str, int] = {}  # run id -> its place in lists
        self._newest_place = 0
        self._results: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
        self._events: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._keys: dict[str, tuple[int, Prior]] = {}  # key -> (ms until which it is kept, what it was used for)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._runs

    def find(self, run_id: str) -> RunRecord | None:
        run = self._runs.get(run_id)
        return _copy(run) if run else None

    def ended(self, run_id: str) -> bool:
        state = self.state(run_id)
        return state is not None and state.ended

    def state(self, run_id: str) -> RunState | None:
        run = self._runs.get(run_id)
        return run.state if run else None

    def overdue(self, limit: int) -> list[str]:
        """Unsure runs that have waited too long; the run that has waited longest comes first."""
        waits = [
            (run.waits_until_ms, run.id)
            for run in self._runs.values()
            if run.state is RunState.UNSURE and run.waits_until_ms is not None
        ]
        return [run_id for until_ms, run_id in sorted(waits) if until_ms <= self._now_ms()][:limit]

    def page(self, query: RunQuery) -> RunPage:
        lowest, highest = query.places
        found = [
            ListedRun(place, self._runs[run_id])
            for run_id, place in sorted(self._places.items(), key=_by_place, reverse=not query.oldest_first)
            if lowest <= place <= highest and set(query.lists) <= set(self._runs[run_id].in_lists)
        ]
        runs = [ListedRun(place, _copy(run)) for place, run in found[: query.limit]]
        return RunPage(runs, runs[-1].place if len(found) > len(runs) else None)

    def create(self, run: RunRecord, events: Sequence[Event], key: Idempotency | None) -> None:
        self._runs[run.id] = _copy(run)
        self._newest_place = self._places[run.id] = max(1000 * self._now_ms(), self._newest_place + 1)
        self._append(run.id, events)
        if key:
            prior = Prior(run_id=run.id, fingerprint=key.fingerprint)
            self._keys[key.key] = self._now_ms() + 1000 * key.keep_s, prior

    def save(self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event]) -> bool:
        """Save the run as its next version; False if another one was saved first."""
        if self._runs[run.id].version != run.version:
            return False
        self._runs[run.id] = _copy(run.model_copy(update={"version": run.version + 1}))
        for result in results:
            self._results[run.id, result.step_id][result.index] = to_json(result.output)
        self._append(run.id, events)
        return True

    def prior(self, key: str) -> Prior | None:
        until_ms, prior = self._keys.get(key, (0, None))
        return prior if until_ms > self._now_ms() else None

    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        outputs = self._results.get((run_id, step_id), {})
        return {index: from_json(output) for index, output in outputs.items()}

    def forget_results(self, run_id: str, step_id: str) -> None:
        self._results.pop((run_id, step_id), None)

    def events(self, run_id: str, after: int) -> list[tuple[str, Event]]:
        found = self._events.get(run_id, [])[after:][:EVENTS_READ]
        return [(f"{place}-0", Event.model_validate_json(event)) for place, event in found]

    def last_event(self, run_id: str) -> str:
        return f"{events[-1][0]}-0" if (events := self._events.get(run_id)) else "0"

    def ring(self, bell: str) -> None:
        self._append(bell, [Event(name="bell.rung", data={})])

    def _append(self, run_id: str, events: Sequence[Event]) -> None:
        kept = self._events[run_id]
        kept += [(len(kept) + place, event.model_dump_json()) for place, event in enumerate(events, 1)]


def _by_place(item: tuple[str, int]) -> int:
    return item[1]


def _copy(run: RunRecord) -> RunRecord:
    return RunRecord.model_validate_json(run.model_dump_json())
