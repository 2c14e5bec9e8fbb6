"""What a coordinator does for jobs, without one: send what is ready, and send again what fell silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.ledger.protocol import Ledger
from infra.queue.protocol import Queue


@contextmanager
def sweeping(ledger: Ledger, queue: Queue, silent_ms: int = 20_000) -> Iterator[None]:
    ended = threading.Event()

    def sweep() -> None:
        while not ended.wait(0.2):
            for job_type, job_id in [*ledger.sweep(silent_ms), *ledger.take_ready(100)]:
                queue.send(job_type, job_id)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        yield
    finally:
        ended.set()
        sweeper.join()
