"""The coordinators' counters: outcomes, jobs sent, runs ended, seconds of deciding. Knows no ledger and no queue."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry

from coordinator.runs.decisions.change import Change
from coordinator.runs.run import Run
from infra.metrics import Meter
from infra.records import JobState, RunState

RUN_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
ADVANCE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class RunMetrics:
    """Counts ended runs. Coordinators use it, and so does the API, which ends runs by cancelling them."""

    def __init__(self, meter: Meter) -> None:
        self._seconds = meter.histogram(
            "run_seconds",
            "The time from when a run was accepted, or taken up again, to its end; `state` says how it ended.",
            "state",
            buckets=RUN_S,
        )
        for state in RunState:
            if state.ended:
                self._seconds.labels(state)

    def ended(self, state: RunState, since_ms: int) -> None:
        self._seconds.labels(state).observe(max(0.0, time.time() - since_ms / 1000))


class CoordinatorMetrics:
    def __init__(self, registry: CollectorRegistry | None = None, job_types: Iterable[str] = ()) -> None:
        """Without a registry nothing is published. The series of `job_types` exist from the start."""
        meter = Meter(registry)
        self.runs = RunMetrics(meter)
        self._outcomes = meter.counter("outcomes", "Outcomes that advanced their run.", "job_type", "state")
        self._sent = meter.counter(
            "jobs_sent", "Messages put on the queue, each of which says that a job is ready.", "job_type"
        )
        self._resent = meter.counter(
            "jobs_resent",
            "Messages about a job that was sent before: it was silent, or its worker's lease ran out.",
            "job_type",
        )
        self._fallbacks = meter.counter(
            "jobs_fallback",
            "Outputs that were too unsure to stand, so that the fallback `to` was asked.",
            "job_type",
            "to",
        )
        self._unsure = meter.counter("runs_unsure", "Runs that began to wait until one of their plans is confirmed.")
        self._seconds = meter.histogram(
            "advance_seconds", "The time to decide and store what a batch of outcomes changes.", buckets=ADVANCE_S
        )
        self._turned = meter.gauge(
            "loop_turned_timestamp_seconds",
            "The Unix time at which each loop last ended a turn without a fault.",
            "loop",
        )
        self._batch = meter.histogram("advance_batch_outcomes", "Outcomes in a batch.", buckets=BATCHES)
        for job_type in job_types:
            self._sent.labels(job_type)
            self._resent.labels(job_type)
            for state in JobState:
                if state.ended:
                    self._outcomes.labels(job_type, state)

    @contextmanager
    def advancing(self, outcomes: int) -> Iterator[None]:
        """Measure a batch from when its outcomes are read until all are saved. An empty batch is not counted."""
        if not outcomes:
            yield
            return
        self._batch.observe(outcomes)
        with self._seconds.time():
            yield

    def turned(self, loop: str) -> None:
        self._turned.labels(loop).set_to_current_time()

    def saved(self, before: Run, change: Change) -> None:
        types = {step.id: step.type for run in (before, change.run) for step in run.plan.steps}
        for event in change.events:
            if event.name == "job.ended":
                ended = event.data.get("fallback") or {"type": types[event.data["step"]], "state": event.data["state"]}
                self._outcomes.labels(ended["type"], ended["state"]).inc()
            elif event.name == "job.fallback":
                self._outcomes.labels(types[event.data["step"]], JobState.SUCCEEDED).inc()
                self._fallbacks.labels(types[event.data["step"]], event.data["type"]).inc()
            elif event.name == "run.unsure":
                self._unsure.inc()
        if change.run.state.ended:
            self.runs.ended(change.run.state, change.run.since_ms)

    def sent(self, jobs: Sequence[tuple[str, str]], again: bool) -> None:
        """`jobs`: (job type, job id) of each."""
        for job_type, count in Counter(job_type for job_type, _ in jobs).items():
            self._sent.labels(job_type).inc(count)
            if again:
                self._resent.labels(job_type).inc(count)
