"""The ledger's own figures, read when Prometheus asks. Knows no run.

Every coordinator gives the same figures, so a query takes their `max`, not their `sum`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.job_types import JobCounts
from infra.ledger.protocols.outcomes import OutcomeBacklog
from infra.ledger.protocols.workers import WorkerRoster
from infra.metrics import PREFIX

log = logging.getLogger(__name__)

ANSWER_S = 3.0  #: how long a scrape waits for Redis, well below Prometheus's own time-out of 10 s
SAME = "The same from every coordinator."


@dataclass(frozen=True)
class _Reading:
    depths: dict[str, dict[str, int]]
    workers: Counter[str]  #: the number of workers, by the job type that they serve
    unacknowledged: int


class LedgerFigures(JobCounts, WorkerRoster, OutcomeBacklog, Protocol):
    """The part of the ledger that is read for a scrape."""


class LedgerCollector(Collector):
    def __init__(self, ledger: LedgerFigures, answer_s: float = ANSWER_S) -> None:
        self._ledger = ledger
        self._answer_s = answer_s
        self._lock = Lock()  # guards `_asked`
        self._asked: Future[_Reading | None] | None = None

    def collect(self) -> Iterator[Metric]:
        """The gauges. Without an answer in time `ledger_up` is 0, and gauges that are not known have no values."""
        reading = self._read_in_time()
        up = 0 if reading is None else 1
        yield GaugeMetricFamily(f"{PREFIX}_ledger_up", f"1 if the ledger answers this process, else 0. {SAME}", up)
        yield from _gauges(reading or _Reading({}, Counter(), 0), known=reading is not None)

    def _read_in_time(self) -> _Reading | None:
        try:
            return self._ask().result(self._answer_s)
        except TimeoutError:
            return None

    def _ask(self) -> Future[_Reading | None]:
        """Read in one thread at a time: otherwise each scrape would leave one more waiting for a Redis that hangs."""
        with self._lock:
            if self._asked is None or self._asked.done():
                asked: Future[_Reading | None] = Future()
                Thread(target=self._read, args=[asked], name="ledger-gauges", daemon=True).start()
                self._asked = asked
            return self._asked

    def _read(self, asked: Future[_Reading | None]) -> None:
        reading = None
        try:
            workers = Counter(job_type for about in self._ledger.workers().values() for job_type in about["serves"])
            reading = _Reading(self._ledger.depths(), workers, self._ledger.unacknowledged())
        except LedgerUnavailable as error:
            log.warning("no figures of the ledger: %s", error, extra={"action": "scrape"})
        finally:
            asked.set_result(reading)


def _gauges(reading: _Reading, known: bool) -> Iterator[Metric]:
    jobs = _gauge("jobs", "Jobs that have not ended, by where they are; dead letters, by cause.", "job_type", "state")
    oldest = _gauge("oldest_waiting_seconds", "Age of the oldest job that no worker has claimed.", "job_type")
    for job_type, depths in reading.depths.items():
        oldest.add_metric([job_type], depths["oldest_ms"] / 1000)
        for state, count in depths.items():
            if state != "oldest_ms":
                jobs.add_metric([job_type, state], count)
    workers = _gauge("workers", "Live workers, by the job type that they serve.", "job_type")
    for job_type in reading.depths.keys() | reading.workers.keys():
        workers.add_metric([job_type], reading.workers[job_type])
    backlog = _gauge("outcomes_unacknowledged", "Outcomes that no coordinator has dealt with yet.")
    if known:
        backlog.add_metric([], reading.unacknowledged)
    yield from (jobs, oldest, workers, backlog)


def _gauge(name: str, help: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", f"{help} {SAME}", labels=labels)
