"""Goals: accepts them, looks them up, confirms and cancels them in the ledger. Knows neither the queue nor HTTP."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from coordinator.admission.decide import bids
from coordinator.admission.door import Door
from coordinator.goals.answered_job import Followed
from coordinator.goals.canonical import meaning
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.idempotency import Asking, KeyUsed
from coordinator.goals.jobs import Jobs
from coordinator.goals.live_workers import LiveWorkers
from coordinator.goals.new_runs import JOB_STEP, NewRuns, now_ms
from coordinator.goals.refusals import GoalRefused
from coordinator.goals.releases import Releases
from coordinator.goals.request import Goal, JobRequest
from coordinator.goals.stored_runs import StoredRuns
from coordinator.keys.quotas import Quotas
from coordinator.plans.plan import Limits, PlanRefused
from coordinator.runs.advance import begin, cancel
from coordinator.runs.confirmation import Confirmation, confirm
from coordinator.runs.metrics import RunMetrics
from coordinator.runs.rerun import Reopened, reopen
from coordinator.runs.run import Run
from coordinator.runs.versions import pinned, unserved, unserved_job
from infra.metrics import Meter
from infra.records import Json, RunState, TypeState
from infra.settings import Settings
from specialists.catalog import Catalog

#: The events after which a run does nothing more by itself.
HALTS = frozenset({"run.ended", "run.unsure"})

#: A request of no particular tenant and without a key: sending it again does it again.
ANYBODY = Asking()


class Goals:
    def __init__(
        self,
        ledger: GoalLedger,
        catalog: Catalog,
        settings: Settings,
        metrics: RunMetrics | None = None,
        door: Door | None = None,
    ) -> None:
        self.limits = Limits(  #: this deployment's limits
            max_jobs=settings.max_jobs, deadline_s=settings.deadline_s, max_replans=settings.max_replans
        )
        self._ledger = ledger
        self._catalog = catalog
        self._door = door or Door(ledger, catalog, settings)
        self._quotas = Quotas(ledger)
        self._runs = StoredRuns(ledger)
        self._workers = LiveWorkers(ledger)
        self._new = NewRuns(ledger, catalog, self.limits)
        self._releases = Releases(ledger, self._runs, metrics or RunMetrics(Meter()), settings.retention_s)
        self._jobs = Jobs(ledger, catalog, self._runs)

    def accept(self, goal: Goal, asking: Asking = ANYBODY) -> Run:
        """Store the run of a goal and release its first jobs.

        Raises KeyUsed, UnreadablePlan, and GoalRefused, NotAdmitted or OverQuota with all faults; nothing is stored
        then. The key is looked up first, so that a repeated request is neither refused nor told to come back.
        """
        self._look_up(asking)
        return self._create(self._new.of_goal(goal, asking.tenant), asking)

    def accept_job(self, request: JobRequest, asking: Asking = ANYBODY, *, is_new: bool = False) -> Run:
        """Store the run of a single job, which has one step. Raises the same errors as `accept`.

        `is_new`: the caller has looked up the request's key already."""
        if not is_new:
            self._look_up(asking)
        return self._create(self._new.of_job(request, asking.tenant), asking)

    def meaning(self, asked: Goal | JobRequest) -> Json:
        """The canonical form of a request. Requests with the same meaning have the same, under the same defaults."""
        body = asked.model_dump(mode="json", exclude={"limits", "deadline_s", "claim_within_s"})
        limits = asked.limits() if isinstance(asked, JobRequest) else asked.limits
        return meaning(body, limits, self.limits)

    def load(self, run_id: str) -> Run:
        """Raises UnknownRun, UnreadableRun."""
        return self._runs.load(run_id)

    def recent(self, limit: int) -> list[Run]:
        """The newest runs first, without those that cannot be read."""
        return list(self._runs.recent(limit))

    def result(self, run: Run) -> Any:
        """The result of a run that succeeded, from the ledger."""
        return self._runs.result(run)

    def inputs(self, run: Run) -> Json:
        """The inputs of the run's goal, from the ledger; empty if they are not kept any more."""
        return self._runs.inputs(run)

    def cancel(self, run_id: str) -> Run:
        """End the run and its jobs. A run that has ended stays as it is. Raises UnknownRun."""
        while True:
            record = self._runs.record(run_id)
            run = Run.load(record)
            if run.state.ended:
                return run
            if ended := self._releases.save(cancel(run), record.version, run.since_ms):
                return ended

    def rerun(self, run_id: str, step: str | None = None) -> Run:
        """Take up an ended run again, as `reopen` says. Raises UnknownRun, RerunRefused, OverQuota."""
        while True:
            record, stored = self._runs.record(run_id), self._runs.stored(run_id)
            reopened = reopen(Run.load(record), stored, self._catalog, now_ms(), step)
            if run := self._take_up(reopened, record.version):
                return run

    def confirm(self, run_id: str, confirmation: Confirmation) -> Run:
        """Let an unsure run go on with a plan. Raises UnknownRun, NotUnsure, OverQuota, or GoalRefused with the
        plan's faults."""
        while True:
            record, stored = self._runs.record(run_id), self._runs.stored(run_id)
            try:
                confirmed = confirm(Run.load(record), confirmation, stored, self._catalog)
            except PlanRefused as refused:
                raise GoalRefused(refused.faults) from None
            if run := self._confirm(confirmed, record.version):
                return run

    def wait(self, run_id: str, wait_s: float) -> Run:
        """Wait in this thread until the run has ended or is unsure, `wait_s` at most. Raises UnknownRun."""
        ends, after = time.monotonic() + wait_s, "0"
        run = self.load(run_id)
        while run.state is RunState.RUNNING and (left_s := ends - time.monotonic()) > 0:
            events = self._ledger.events(run_id, after, wait_ms=max(1, round(1000 * left_s)))
            after = events[-1][0] if events else after
            if any(event.name in HALTS for _, event in events):
                run = self.load(run_id)
        return self.load(run_id) if run.state is RunState.RUNNING else run

    def job(self, job_id: str) -> Followed:
        """The job as it is now, with its fallback's. Raises UnknownJob."""
        followed = self._jobs.follow(job_id)
        if not followed.unclaimed:
            return followed
        return replace(followed, unserved=unserved_job(followed.in_hand.job, self._workers.served(), self._catalog))

    def cancel_job(self, job_id: str) -> Followed:
        """End a job, and its run too if the job was sent alone. A job that has ended stays as it is.

        Raises UnknownJob."""
        followed = self.job(job_id)
        job = followed.job.job
        if job.step_id == JOB_STEP and not job.of_fallback and len(self.load(job.run_id).plan.steps) == 1:
            self.cancel(job.run_id)
        else:
            self._jobs.cancel(followed)
        return self.job(job_id)

    def paused(self) -> set[str]:
        """The job types that are paused."""
        return {name for name, state in self._ledger.type_states().items() if state is TypeState.PAUSED}

    def unserved(self, run: Run) -> list[Json]:
        """The job types that the run waits for, but that no live worker serves in the version that it needs."""
        return unserved(run, self._workers.served()) if run.state is RunState.RUNNING else []

    def _look_up(self, asking: Asking) -> None:
        """Raises KeyUsed if the request's key was used before."""
        if asking.named and (prior := self._ledger.find_key(asking.named.key)):
            raise KeyUsed(prior, asking.named)

    def _create(self, run: Run, asking: Asking) -> Run:
        run = pinned(run, self._catalog)
        change = begin(run, self._catalog)
        types = [step.type for step in run.plan.steps]
        brings = bids(types, change.jobs, run.tenant, run.priority, run.plan.limits.deadline_s)
        name = asking.named.key if asking.named else None
        with self._door.entering(brings, name), self._quotas.entering(run.tenant, run.id, change.jobs):
            return self._releases.store(run, change, asking)

    def _take_up(self, reopened: Reopened, version: int) -> Run | None:
        with self._quotas.entering(reopened.run.tenant, reopened.run.id, reopened.change.jobs):
            return self._releases.take_up(reopened, version)

    def _confirm(self, confirmed: Reopened, version: int) -> Run | None:
        """Save the confirmed run. None if it changed in between: it was cancelled, or another plan was confirmed."""
        change = confirmed.change
        if not change.run.state.ended:
            return self._take_up(confirmed, version)
        # The run has ended already: its maps are over empty lists, or it would have too many jobs.
        return self._releases.save(change, version, change.run.since_ms, confirmed.events)
