"""A deployment without processes: real coordinators over a ledger, and a worker that answers from a table."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from coordinator.coordinator import Coordinator
from infra.ledger.protocol import Ledger
from infra.queue.memory import MemoryQueue
from infra.records import Alternative, Claim, Failure, FailureKind, JobState, Json, Outcome
from infra.settings import Settings
from specialists.catalog import Catalog

Answer = Callable[[Json], Json]


class Brisk(Coordinator):
    """Looks more often whether it is to stop, so that a test's end does not wait for it."""

    def advance_once(self, wait_ms: int = 50) -> int:
        return super().advance_once(wait_ms)

    def dispatch_once(self, wait_ms: int = 50) -> int:
        return super().dispatch_once(wait_ms)


class Deployment:
    """Coordinators and one worker, in threads of this process. Functions answer themselves, models by table."""

    def __init__(self, ledger: Ledger, catalog: Catalog, coordinators: int = 1) -> None:
        self.ledger = ledger
        self.settings = Settings(_env_file=None, api_body_bytes=300_000, silent_s=2, sweep_s=0.2)
        self.catalog = catalog
        self.queue = MemoryQueue()
        self.answers: dict[str, Answer] = {
            specialist.name: specialist.function for specialist in self.catalog if specialist.manifest.function
        }
        self.confidence: dict[str, float] = {}  #: of all answers of a type
        self.alternatives: dict[str, dict[str, tuple[Alternative, ...]]] = {}  #: of a type, where a job asks for some
        self._stop = Event()
        self.coordinators = [self.coordinator(f"coordinator-{number}") for number in range(coordinators)]
        self._threads = [
            *(Thread(target=each.serve, args=(self._stop,)) for each in self.coordinators),
            Thread(target=lambda: self.queue.serve(dict.fromkeys(self.catalog.names(), self.work), 4, "worker-1")),
        ]

    def coordinator(self, name: str) -> Coordinator:
        return Brisk(self.ledger, self.queue, self.catalog, self.settings, name)

    def work(self, job_id: str) -> None:
        """As a worker that got the note "this job is ready"."""
        claim = self.ledger.claim(job_id, "worker-1", 5_000)
        if isinstance(claim, Claim):
            self.ledger.commit(self._attempt(claim), claim.token)

    def _attempt(self, claim: Claim) -> Outcome:
        job = claim.job
        ids: Any = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index}
        ids |= {"attempt": claim.attempt, "round": job.round}
        try:
            output, confidence = self.answers[job.type](job.input), self.confidence.get(job.type)
            ids |= {"alternatives": self.alternatives.get(job.type)} if job.top else {}
            return Outcome(**ids, state=JobState.SUCCEEDED, output=output, confidence=confidence)
        except ValueError as error:
            failure = Failure(kind=FailureKind.ENGINE, message=str(error))
            return Outcome(**ids, state=JobState.FAILED, failure=failure)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.queue.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
