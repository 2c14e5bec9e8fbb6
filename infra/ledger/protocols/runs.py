"""Runs: their records, their results and their events. Knows no plan: the body of a run is the coordinator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from infra.listing import RunPage, RunQuery
from infra.records import Event, Idempotency, Job, Json, Prior, RunRecord, StepResult


class StepResults(Protocol):
    """The outputs of a step, read back. Both sides of the coordinator use it."""

    def results(self, run_id: str, step_id: str) -> dict[int, Json]:
        """Index -> output of every stored result of the step."""


class RunProgress(StepResults, Protocol):
    """A run, loaded and saved again. Both sides of the coordinator use it: each change of a run is an `advance`."""

    def load_run(self, run_id: str) -> RunRecord | None:
        """The run as it was saved last; None if the ledger does not know it."""

    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        """Save `run` as version `run.version + 1` with its new results and events, and acknowledge outcome entries.

        The answer is False, and nothing changes, if the stored version is not `run.version`: somebody else advanced the
        run first. A `run` that has ended (`run.state.ended`) cancels all of its jobs that have not. A stored run that
        has ended is never changed, but the entries are acknowledged even then: they can change nothing any more.
        """


class RunStore(RunProgress, Protocol):
    """Runs as goals need them: created once, found by their key, listed, and taken up again."""

    def create_run(
        self, run: RunRecord, jobs: Sequence[Job], events: Sequence[Event], key: Idempotency | None = None
    ) -> Prior | None:
        """Store a new run and release its first jobs, all or nothing, and return None.

        If `key` was used before, nothing is stored, and the answer says what the key was used for.
        """

    def find_key(self, key: str) -> Prior | None:
        """What an idempotency key was used for; None if it was not used, or is not kept any more."""

    def find_keys(self, keys: Sequence[str]) -> list[Prior | None]:
        """As `find_key`, of many keys in one round trip."""

    def reopen(self, run: RunRecord, jobs: Sequence[Job], forget: Sequence[str], events: Sequence[Event]) -> bool:
        """Take up a run that has ended, or is unsure: save `run`, which runs, as version `run.version + 1`, and make
        `jobs` ready.

        Jobs that exist start anew: they have no attempt counted, no outcome and no dead letter. The jobs of a run that
        had ended are of a later round, so that nothing that is said of the earlier ones counts any more. The results of
        the steps in `forget` are removed. What was to expire with the run stays. The answer is False, and nothing
        changes, if the stored run is running or is not of version `run.version`.
        """

    def list_runs(self, query: RunQuery) -> RunPage:
        """A page of runs in the order in which they were created, with all that the ledger still knows.

        A page looks at `LOOKS` runs at most, so that it may come back short, or empty, and have a next one all the
        same. A run that is there from the first page to the last, and that `query` asks for all the time, is on exactly
        one of them. Raises ValueError if the limit is not above 0.
        """


class OverdueRuns(Protocol):
    """Unsure runs that nobody confirmed in time. The coordinator ends them."""

    def overdue(self, limit: int = 100) -> list[str]:
        """Ids of unsure runs whose `waits_until_ms` has passed. The run that has waited longest comes first.

        Nothing changes: the caller ends them. Raises ValueError if `limit` is not above 0.
        """


class RunEvents(Protocol):
    """What happened to a run, for those that watch it."""

    def events(self, run_id: str, after: str = "0", wait_ms: int = 0) -> list[tuple[str, Event]]:
        """Up to 1,000 events after entry id `after` ("0": from the start), waiting up to `wait_ms` for the first one.

        Raises ValueError if `after` is no entry id.
        """

    def last_event(self, run_id: str) -> str:
        """The entry id of the run's newest event; "0" if it has none."""

    def news(self, after: Mapping[str, str], wait_ms: int = 0) -> dict[str, list[tuple[str, Event]]]:
        """As `events`, of many runs: run id -> its events after the entry that `after` has for it.

        It waits up to `wait_ms` for the first event of any of them. Runs without news are left out.
        """

    def ring(self, bell: str) -> None:
        """Give `bell` an event, as if it were a run: who waits for its news stops waiting. A bell is forgotten soon."""
