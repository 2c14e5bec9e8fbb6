"""The coordinator: takes outcomes in and sends jobs out, as `advance` decides. Decides nothing itself.

Any number of coordinators may run: they share the outcomes, and a run's version lets only one save at a time. A crash
may cut off any action, which is then done again: releasing is idempotent, saving is checked, and the sweep sends again
what was not sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event, Thread
from typing import Protocol

from opentelemetry.trace import NoOpTracer, Tracer
from pydantic import ValidationError

from coordinator.keys.quotas import Quotas
from coordinator.plans.plan import PLANNING
from coordinator.runs.advance import advance, fail
from coordinator.runs.decisions.change import Change
from coordinator.runs.metrics import CoordinatorMetrics
from coordinator.runs.run import Run, RunFailure
from coordinator.runs.run_cache import KnownRuns
from coordinator.spans import advancing, below, sending
from coordinator.takers import Takers
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.jobs import JobDispatch, JobReader, JobRelease
from infra.ledger.protocols.keys import QuotaMeter
from infra.ledger.protocols.outcomes import OutcomeStream
from infra.ledger.protocols.runs import OverdueRuns, RunProgress
from infra.ledger.protocols.workers import WorkerRoster
from infra.ledger.unreadable import kinds_of
from infra.logs import where
from infra.queue.protocol import Queue, QueueUnavailable
from infra.records import FailureKind, JobStatus, Message, Outcome, RunRecord, RunState
from infra.settings import Settings
from specialists.catalog import Catalog

BATCH = 500
WAIT_MS = 1000
RETRY_S = 1.0
WINDOWS_KEPT = 4  #: how many windows of messages a type may have whose jobs are sent again and again

#: The failure of an unsure run whose deadline has passed.
_UNCONFIRMED = RunFailure(
    kind=FailureKind.EXPIRED, message="its deadline passed before a plan of it was confirmed", step=PLANNING
)

logger = logging.getLogger(__name__)


class CoordinatorLedger(
    RunProgress, OverdueRuns, JobRelease, JobReader, JobDispatch, OutcomeStream, WorkerRoster, QuotaMeter, Protocol
):
    """The part of the ledger that a coordinator needs: outcomes, runs, jobs to release and send, and who takes them."""


class Coordinator:
    def __init__(
        self,
        ledger: CoordinatorLedger,
        queue: Queue,
        catalog: Catalog,
        settings: Settings,
        name: str,
        metrics: CoordinatorMetrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._catalog = catalog
        self._settings = settings
        self._name = name  #: its name among the coordinators that share the outcomes
        self._metrics = metrics or CoordinatorMetrics()
        self._tracer = tracer or NoOpTracer()
        self._takers = Takers(ledger)
        self._quotas = Quotas(ledger)
        self._known = KnownRuns()  #: used only by the thread that advances

    def advance_once(self, wait_ms: int = WAIT_MS) -> int:
        """Advance the runs of one batch of outcomes. Returns the number of outcomes."""
        entries = self._ledger.outcomes(self._name, BATCH, wait_ms)
        by_run: dict[str, list[tuple[str, Outcome]]] = {}
        for entry in entries:
            by_run.setdefault(entry[1].run_id, []).append(entry)
        with self._metrics.advancing(len(entries)):
            for run_id, batch in by_run.items():
                self._advance(run_id, batch)
        return len(entries)

    def _advance(self, run_id: str, batch: Sequence[tuple[str, Outcome]]) -> None:
        try:
            while not self._save(run_id, batch):
                logger.info("the run changed in between: deciding again", extra={"goal_id": run_id})
        except (LedgerUnavailable, QueueUnavailable):
            raise
        except Exception as error:  # noqa: BLE001  # if raised, this run's error would stop all other runs too
            kind = type(error).__name__
            logger.error("advancing a run raised %s at\n%s", kind, where(error), extra={"goal_id": run_id})
            message = f"the coordinator could not advance the run ({kind}); see the coordinator's log"
            self._end(run_id, batch, RunFailure(kind=FailureKind.PLAN, message=message))

    def _end(self, run_id: str, batch: Sequence[tuple[str, Outcome]], failure: RunFailure) -> None:
        """Save the run as failed unless it has ended, and acknowledge its outcomes."""
        acks = [entry_id for entry_id, _ in batch]
        while (record := self._load_if_readable(run_id)) and not record.state.ended:
            failed, events = fail(record, failure)
            if self._ledger.advance(failed, (), events, acks):
                self._metrics.runs.ended(failed.state, failed.created_ms)
                return
        self._ledger.acknowledge(acks)

    def _load_if_readable(self, run_id: str) -> RunRecord | None:
        """The run's record; None if it cannot be read at all. Nothing can end such a run, and no other waits for it."""
        try:
            return self._ledger.load_run(run_id)
        except ValidationError as error:
            why = kinds_of(error)
            logger.critical(
                "a run's record does not read (%s): its outcomes are dropped", why, extra={"goal_id": run_id}
            )
            return None

    def _save(self, run_id: str, batch: Sequence[tuple[str, Outcome]]) -> bool:
        """Load the run, decide and save once. False if it must be decided again."""
        known = self._known.take(run_id)
        if known and all(known[0].settles(outcome) for _, outcome in batch):
            return self._decide(*known, batch)
        record = self._ledger.load_run(run_id)
        if record is None or record.state.ended:  # no outcome can change it any more
            self._ledger.acknowledge([entry_id for entry_id, _ in batch])
            return True
        return self._decide(Run.load(record), record.version, batch)

    def _decide(self, run: Run, version: int, batch: Sequence[tuple[str, Outcome]]) -> bool:
        """Decide and save once. False if it must be decided again."""
        # An outcome that came before its step's release was saved is not acknowledged, so it comes again.
        counted = [entry for entry in batch if run.settles(entry[1])]
        outcomes, stored = [outcome for _, outcome in counted], partial(self._ledger.results, run.id)
        with advancing(self._tracer, run, len(batch)) as span:
            change = advance(run, outcomes, stored, self._catalog, self._known_job)
            if not counted and not change.events:
                return True
            # There may be jobs without a counted outcome: those of a new run whose creator has not saved their release
            # and may be dead.
            self._ledger.release(below(span, change.jobs))
            acks = [entry_id for entry_id, _ in counted]
            saved = self._ledger.advance(change.run.record(version), change.results, change.events, acks)
            if saved:
                self._follow_up(run, change, version)
            else:
                self._overtaken(run.id, version)
        return saved and bool(counted)

    def _follow_up(self, run: Run, change: Change, version: int) -> None:
        """Finish after the ledger has saved the change. `version`: the version of `run` before it."""
        self._metrics.saved(run, change)
        self._known.saved(change.run, version + 1)
        if change.run.state is not RunState.RUNNING:
            said = "run ended" if change.run.state.ended else "run waits to be confirmed"
            logger.info(said, extra={"action": "end", "goal_id": run.id, "state": change.run.state})
        if change.cancels:
            self._ledger.cancel(change.cancels)
        self._quotas.charge(run.tenant, change.jobs)

    def _known_job(self, job_id: str) -> JobStatus | None:
        """The job's status; None also if it cannot be read. Then no fallback is asked, and the outcome stands."""
        try:
            return self._ledger.job(job_id)
        except ValueError as error:
            kind = type(error).__name__
            logger.error("a job does not read (%s): its fallback is not asked", kind, extra={"job_id": job_id})
            return None

    def _overtaken(self, run_id: str, version: int) -> None:
        """Stop remembering runs if another coordinator saved this one.

        It may have been the API instead, which cancels runs, and which saves a large new run (version 0) after its
        first jobs were released."""
        record = self._ledger.load_run(run_id) if version else None
        if record and not record.state.ended:
            self._known.refused()

    def dispatch_once(self, wait_ms: int = WAIT_MS) -> int:
        """Put ready jobs on the queue. Returns the number of jobs."""
        settings = self._settings
        taken = self._ledger.take_ready(
            settings.window, settings.tenant_weights, settings.ageing_s, self._takers.by_type()
        )
        if not taken:
            self._ledger.wait_ready(wait_ms)
        return self._send(taken, again=False)

    def sweep_once(self) -> int:
        """Send lost jobs again, and end unsure runs whose deadline has passed. Returns how many jobs were sent."""
        for run_id in self._ledger.overdue():
            self._expire(run_id)
        silent = self._ledger.sweep(round(self._settings.silent_s * 1000))
        for job_type in {job_type for job_type, *_ in silent}:
            self._drop_notes(job_type)
        return self._send(silent, again=True)

    def _expire(self, run_id: str) -> None:
        """End a run whose deadline has passed, if it is still unsure."""
        record = self._load_if_readable(run_id)
        if record is None or record.state is not RunState.UNSURE:
            return
        failed, events = fail(record, _UNCONFIRMED)
        if self._ledger.advance(failed, (), events, ()):
            self._metrics.runs.ended(failed.state, failed.created_ms)

    def _drop_notes(self, job_type: str) -> None:
        """Drop the messages of a type if there are too many: while nobody serves it, each sending adds one per job.

        Nothing is lost: messages are hints, and a sweep sends them again."""
        messages = self._queue.waiting(job_type)
        if messages > WINDOWS_KEPT * self._settings.window:
            self._queue.purge(job_type)
            logger.warning("dropped %d messages of type %r, which nobody takes", messages, job_type)

    def _send(self, messages: Sequence[Message], again: bool) -> int:
        jobs = [(job_type, job_id) for job_type, *job_ids in messages for job_id in job_ids]
        with sending(self._tracer, self._ledger, jobs):
            self._queue.send_all(messages)
        self._metrics.sent(jobs, again)
        return len(jobs)

    def serve(self, stop: Event) -> None:
        """Advance, dispatch and sweep until `stop` is set. Raises the error of a loop, unless it is an outage."""
        failures: list[Exception] = []
        loops: dict[str, Callable[[], object]] = {
            "advance": self.advance_once,
            "dispatch": self.dispatch_once,
            "sweep": partial(self._sweep_and_rest, stop),
        }
        threads = [Thread(target=self._loop, args=(*loop, stop, failures), daemon=True) for loop in loops.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _sweep_and_rest(self, stop: Event) -> None:
        if mended := self.sweep_once():
            logger.info("jobs sent again", extra={"action": "sweep", "jobs": mended})
        stop.wait(self._settings.sweep_s)

    def _loop(self, name: str, once: Callable[[], object], stop: Event, failures: list[Exception]) -> None:
        while not stop.is_set():
            try:
                once()
                self._metrics.turned(name)
            except (LedgerUnavailable, QueueUnavailable) as error:
                fields = {"action": "retry", "error": type(error).__name__}
                logger.warning("an outage, trying again: %s", error, extra=fields)
                stop.wait(RETRY_S)
            except Exception as error:  # noqa: BLE001  # carried to `serve`, which raises it in the main thread
                failures.append(error)
                stop.set()
