"""Releases: saves runs together with their first jobs, large ones in pieces. Decides nothing about a run."""

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

#: The most first jobs that one script of the ledger makes: about 10 ms of work, during which Redis answers nobody.
AT_ONCE = 250


class Releases:
    def __init__(self, ledger: GoalLedger, runs: StoredRuns, metrics: RunMetrics, retention_s: int) -> None:
        """`retention_s`: how long an ended run is kept."""
        self._ledger = ledger
        self._runs = runs
        self._metrics = metrics
        self._retention_s = retention_s

    def store(self, run: Run, change: Change, asking: Asking) -> Run:
        """Store a new run with its first change. Raises KeyUsed if a request with the same key came a moment before."""
        events = [Event(name="run.accepted", data={"id": run.id, "goal": run.goal})]
        if not run.planning:
            events.append(accepted_event(run))
        if len(change.jobs) > AT_ONCE:
            return self._store_large(run, change, events, asking)
        self._create(change.run, change.jobs, [*events, *change.events], asking)
        if change.run.state.ended:  # there is nothing to do: its maps are over empty lists
            self._metrics.ended(change.run.state, run.created_ms)
        return change.run

    def take_up(self, reopened: Reopened, version: int) -> Run | None:
        """Save a run that goes on, in pieces if it is large. None if the run changed in between."""
        run, change, events, forget = reopened.run, reopened.change, reopened.events, reopened.forget
        if len(change.jobs) > AT_ONCE:
            taken = self._ledger.reopen(run.record(version), change.jobs[:AT_ONCE], forget, events)
            return self._release_rest(change, version + 1) if taken else None
        taken = self._ledger.reopen(change.run.record(version), change.jobs, forget, [*events, *change.events])
        return change.run if taken else None

    def save(self, change: Change, version: int, since_ms: int, events: Sequence[Event] = ()) -> Run | None:
        """Save a run that has ended; None if it changed in between.

        `since_ms`: when it began. `events`: the events that come before those of `change`."""
        record = change.run.record(version)
        if not self._ledger.advance(record, change.results, [*events, *change.events], ()):
            return None
        self._metrics.ended(change.run.state, since_ms)
        return change.run

    def _store_large(self, run: Run, change: Change, events: Sequence[Event], asking: Asking) -> Run:
        """Release the jobs first, then save that they are released, as a coordinator does.

        The run is first stored as it was before the release, together with some of its jobs. If we crash or are slow,
        the first outcome of these jobs makes a coordinator decide the same release again.
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
        keep_s = math.ceil(run.plan.limits.deadline_s) + self._retention_s  # the key lives at least as long as the run
        return Idempotency(key=asking.named.key, fingerprint=asking.named.fingerprint, keep_s=keep_s)
