"""Releases: runs saved in the ledger together with their first jobs, large ones in pieces. Decides nothing of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.idempotency import Asking, KeyUsed
from coordinator.goals.stored_runs import StoredRuns
from coordinator.runs.decisions.change import Change
from coordinator.runs.decisions.events import accepted_event
from coordinator.runs.metrics import RunMetrics
from coordinator.runs.rerun import Reopened
from coordinator.runs.run import Run
from infra.records import Event, Idempotency, Job

#: More first jobs than one script of the ledger should make: about 10 ms of work, in which Redis answers nobody.
AT_ONCE = 250


class Releases:
    def __init__(self, ledger: GoalLedger, runs: StoredRuns, metrics: RunMetrics, retention_s: int) -> None:
        """`retention_s`: how long an ended run is kept."""
        self._ledger = ledger
        self._runs = runs
        self._metrics = metrics
        self._retention_s = retention_s

    def store(self, run: Run, change: Change, asking: Asking) -> Run:
        """A new run, with `change` as its first. Raises KeyUsed if the same request came a moment ago."""
        events = [Event(name="run.accepted", data={"id": run.id, "goal": run.goal})]
        if not run.planning:
            events.append(accepted_event(run))
        if len(change.jobs) > AT_ONCE:
            return self._store_large(run, change, events, asking)
        self._create(change.run, change.jobs, [*events, *change.events], asking)
        if change.run.state.ended:  # nothing to do at all: maps over empty lists
            self._metrics.ended(change.run.state, run.created_ms)
        return change.run

    def take_up(self, reopened: Reopened, version: int) -> Run | None:
        """A run that goes on; None if it was taken up by somebody else in between. A large one in pieces, as a new one
        is."""
        run, change, events, forget = reopened.run, reopened.change, reopened.events, reopened.forget
        if len(change.jobs) > AT_ONCE:
            taken = self._ledger.reopen(run.record(version), change.jobs[:AT_ONCE], forget, events)
            return self._release_rest(change, version + 1) if taken else None
        taken = self._ledger.reopen(change.run.record(version), change.jobs, forget, [*events, *change.events])
        return change.run if taken else None

    def save(self, change: Change, version: int, since_ms: int, events: Sequence[Event] = ()) -> Run | None:
        """A run that has ended; None if it changed in between. `since_ms`: when it began; `events`: before its own."""
        record = change.run.record(version)
        if not self._ledger.advance(record, change.results, [*events, *change.events], ()):
            return None
        self._metrics.ended(change.run.state, since_ms)
        return change.run

    def _store_large(self, run: Run, change: Change, events: Sequence[Event], asking: Asking) -> Run:
        """As a coordinator does: release, then save what was released.

        The run is stored as before its release, with some of the jobs: where we crash, or are slow, the first of their
        outcomes has a coordinator decide the same release again.
        """
        self._create(run, change.jobs[:AT_ONCE], events, asking)
        return self._release_rest(change, 0)

    def _release_rest(self, change: Change, version: int) -> Run:
        self._ledger.release(change.jobs[AT_ONCE:])
        saved = self._ledger.advance(change.run.record(version), change.results, change.events, ())
        return change.run if saved else self._runs.load(change.run.id)

    def _create(self, run: Run, jobs: Sequence[Job], events: Sequence[Event], asking: Asking) -> None:
        key = self._idempotency(run, asking)
        prior = self._ledger.create_run(run.record(0), jobs, events, key)
        if prior and asking.named:
            raise KeyUsed(prior, asking.named)

    def _idempotency(self, run: Run, asking: Asking) -> Idempotency | None:
        if asking.named is None:
            return None
        keep_s = math.ceil(run.plan.limits.deadline_s) + self._retention_s  # not sooner forgotten than the run
        return Idempotency(key=asking.named.key, fingerprint=asking.named.fingerprint, keep_s=keep_s)
