"""The pulse of a worker: the threads that tell the ledger that the worker lives, and that hear which claims to stop.

It runs no job, and knows no specialist.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.claims import ClaimStops
from infra.ledger.protocols.job_types import JobCounts
from infra.ledger.protocols.workers import WorkerPresence
from infra.logs import where
from infra.records import Json
from workers.engines import Elastic, Engine, distinct
from workers.leases import Leases

log = logging.getLogger(__name__)

#: The ledger is asked for claims to stop; if there is none, it answers after this time.
STOPS_MS = 1_000

#: If the ledger did not answer, it is asked for claims to stop again after this time.
STOPS_AGAIN_S = 2.0


class PulseLedger(ClaimStops, WorkerPresence, JobCounts, Protocol):
    """Signs of life, claims that are to stop, and how much waits."""


class Pulse:
    """A context: one thread renews the leases and says that this worker lives, another one hears of cancels."""

    def __init__(
        self,
        ledger: PulseLedger,
        name: str,
        leases: Leases,
        engines: Mapping[str, Engine],
        about: Callable[[], Json],
        beaten: Callable[[], object],
    ) -> None:
        """`about` returns what others may see of this worker. `beaten` is called after each beat, even a failed one."""
        self._ledger = ledger
        self._name = name
        self._leases = leases
        self._engines = engines
        self._about = about
        self._beaten = beaten
        self.broken = False  #: it has met a fault of our own; it beats on, because running jobs may still end
        self._retired = threading.Event()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._beat_until_ended, name="pulse", daemon=True),
            threading.Thread(target=self._stop_until_ended, name="stops", daemon=True),
        ]

    def __enter__(self) -> Self:
        self._beat()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        try:
            self._ledger.leave(self._name)
        except LedgerUnavailable as error:
            log.warning("cannot say that this worker has ended: %s", error, extra={"action": "leave"})

    def beats(self) -> bool:
        """Whether its own threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def retire(self) -> None:
        """From the next beat on the worker is not listed any more, but its leases are still renewed."""
        self._retired.set()

    @property
    def retired(self) -> bool:
        return self._retired.is_set()

    def _beat_until_ended(self) -> None:
        while not self._ended.wait(self._leases.lease_s / 3):
            try:
                self._leases.abandon([name for name, engine in self._engines.items() if not engine.healthy()])
                self._leases.renew()
                self._beat()
                self._expect()
            except LedgerUnavailable as error:
                log.warning("cannot renew leases: %s", error, extra={"action": "renew", "jobs": len(self._leases)})
            except Exception as error:  # noqa: BLE001 - a pulse that ended unseen would let every lease run out
                log.critical("the pulse raised %s\n%s", type(error).__name__, where(error), extra={"action": "renew"})
                self.broken = True
            self._beaten()

    def _beat(self) -> None:
        """Say that the worker lives. It counts as gone when a lease would run out: after three missed beats."""
        if self.retired:
            self._ledger.leave(self._name)
        else:
            self._ledger.beat(self._name, self._about(), self._leases.lease_ms)

    def _expect(self) -> None:
        """Tell the engines that can grow how many jobs wait for them."""
        elastic = {name: engine for name, engine in self._engines.items() if isinstance(engine, Elastic)}
        depths = self._ledger.depths(list(elastic)) if elastic else {}
        for engine in distinct(elastic.values()):
            waits = [depths[name] for name, host in elastic.items() if host is engine and name in depths]
            waiting = sum(each["ready"] + each["sent"] for each in waits)
            engine.expect(waiting, max((each["oldest_ms"] for each in waits), default=0) / 1000)

    def _stop_until_ended(self) -> None:
        """Stop attempts as soon as the ledger has ended their jobs, so that their slots are free for others."""
        while not self._ended.is_set():
            try:
                self._leases.lose(self._ledger.stops(self._name, STOPS_MS))
                continue
            except LedgerUnavailable as error:
                log.warning("cannot hear of cancelled jobs: %s", error, extra={"action": "stops"})
            except Exception as error:  # noqa: BLE001 - the pulse finds what was cancelled too, if later
                name = type(error).__name__
                log.error("asking for stops raised %s\n%s", name, where(error), extra={"action": "stops"})
            self._ended.wait(STOPS_AGAIN_S)
