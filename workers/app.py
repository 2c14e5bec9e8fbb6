"""The worker process: reads the settings, builds a worker, serves until told to stop. `python -m workers.app`."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial

from opentelemetry.trace import Tracer
from pydantic import ValidationError

from infra.ledger.protocol import LedgerRefused, LedgerUnavailable
from infra.ledger.protocols.connection import LedgerPulse
from infra.ledger.protocols.workers import WorkerPresence
from infra.ledger.redis.ledger import RedisLedger
from infra.logs import configure
from infra.metrics import create_registry, served
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.queue.protocol import Queue, QueueRefused, QueueUnavailable
from infra.settings import SettingError, Settings, setting_faults
from infra.tracing import traced
from specialists.bases.weights import WeightsError
from specialists.catalog import Catalog, CatalogError, UnknownJobType, load_catalog
from specialists.specialist import Specialist
from workers.capability import measure
from workers.engines import Engine, EngineError, distinct
from workers.engines.load import load_engines, slots_of
from workers.metrics import WorkerMetrics
from workers.untrained import Untrained, check_trained
from workers.upkeep.deafness import Listener
from workers.upkeep.ending import BROKEN, Ending, refuse
from workers.upkeep.ticker import Ticker
from workers.worker import Worker

log = logging.getLogger("workers.app")  # not `__name__`: this module is run as `__main__`

LEDGER_WAIT_S = 30.0  #: at start; a Redis that starts beside us needs some of this time


class StartError(Exception):
    """The worker cannot start; the message is one line that says why."""


#: Errors that stop a start; the message of each says why.
REFUSALS = (
    StartError, Untrained, SettingError, CatalogError, UnknownJobType, WeightsError, EngineError, LedgerRefused,
    OSError,
)  # fmt: skip


def main(names: Sequence[str] = (), ticks: int | None = None) -> int:
    """Serve the specialists `names`, by default all of the catalog. Returns the process's exit code.

    `ticks`: the supervisor's pipe, if there is a supervisor.
    """
    try:
        settings = Settings()
        configure(settings)
        registry = create_registry("worker")
        with served(registry, settings), traced(settings, "worker") as tracer:
            return serve(settings, names, ticks, WorkerMetrics(registry), tracer)
    except ValidationError as error:
        return refuse("; ".join(setting_faults(error)))
    except REFUSALS as error:
        return refuse(str(error))
    except (LedgerUnavailable, QueueUnavailable) as error:
        log.critical("%s", error, extra={"action": "stop"})
        return BROKEN


def serve(settings: Settings, names: Sequence[str], ticks: int | None, metrics: WorkerMetrics, tracer: Tracer) -> int:
    specialists = choose(load_catalog(settings.specialists), names)
    for notice in (specialist.notice for specialist in specialists):
        if notice:
            log.info("%s", notice, extra={"action": "notice"})
    check_trained(specialists, settings.untrained)
    ledger = RedisLedger.of(settings)
    queue = CeleryQueue(create_app(settings))
    name = worker_name(names)
    await_ledger(ledger)
    check_rights(ledger, queue, name, specialists)
    engines = load_engines(specialists, settings)
    settings = settings.model_copy(update={"slots": slots_of(engines.values(), settings.slots)})
    ending = Ending(queue.stop, settings.grace_s)
    ticker = Ticker(ticks, settings.stall_s, settings.grace_s)
    ticker.watch(lambda: all(engine.healthy() for engine in distinct(engines.values())))
    try:
        with ticker:
            speed = _measured(specialists, engines)
            worker = Worker(
                ledger, specialists, engines, name, settings.lease_s, settings.slots, give_up=ending.begin,
                metrics=metrics, tracer=tracer, tokens_per_s=speed,
            )  # fmt: skip
            with worker:
                ticker.watch(worker.beats)
                job_types = ", ".join(specialist.name for specialist in specialists)
                log.info("%s serves %s", name, job_types, extra={"action": "serve", "slots": settings.slots})
                consume(worker, queue, ledger, name, settings, ending)
            return os.EX_OK if worker.healthy() else BROKEN
    finally:
        for engine in distinct(engines.values()):
            engine.close()
        queue.close()
        ledger.close()


def _measured(specialists: Sequence[Specialist], engines: Mapping[str, Engine]) -> float | None:
    speed = measure(specialists, engines)
    if speed is not None:
        log.info("measured %.1f tokens/s on its own examples", speed, extra={"action": "measure"})
    return speed


def consume(worker: Worker, queue: Queue, ledger: LedgerPulse, name: str, settings: Settings, ending: Ending) -> None:
    """Serve the queue until told to stop. If waiting messages do not arrive any more, end as an unhealthy worker."""
    deafened = partial(_end_deaf, worker, ending, settings.grace_s)
    listener = Listener(queue, ledger, worker.handlers(), settings.slots, settings.silent_s, deafened)

    def stopping() -> None:
        listener.end()
        worker.drain(settings.grace_s)

    with listener:
        queue.serve(listener.handlers(), settings.slots, name, stopping)


def _end_deaf(worker: Worker, ending: Ending, grace_s: float) -> None:
    """Let running jobs end or go back to the ledger, even if the queue is too broken to say that it stops."""
    worker.retire()
    worker.drain(grace_s)
    ending.begin()


def choose(catalog: Catalog, names: Sequence[str]) -> list[Specialist]:
    """The specialists `names`, or the whole catalog if there are none. Raises UnknownJobType."""
    return [catalog.get(name) for name in dict.fromkeys(names or catalog.names())]


def check_rights(ledger: WorkerPresence, queue: Queue, name: str, specialists: Sequence[Specialist]) -> None:
    """Raise StartError if the ledger or the queues are closed to us, before minutes go into loading a model.

    Raise LedgerUnavailable or QueueUnavailable if they are away.
    """
    try:
        ledger.leave(name)  # an earlier worker may have had this name
        for specialist in specialists:
            queue.waiting(specialist.name)
    except LedgerRefused as error:
        raise _refused(error) from error
    except QueueRefused as error:
        raise StartError(f"{error}; may the user in the broker's address use the queues?") from error


def _refused(error: LedgerRefused) -> StartError:
    return StartError(f"{error}; check the key (--key-file) and the user name in the broker's address")


def worker_name(names: Sequence[str]) -> str:
    """The name in logs, outcomes and Flower: `triage-4242@host`, or `worker-…` for a worker of several specialists."""
    return f"{names[0] if len(names) == 1 else 'worker'}-{os.getpid()}@{socket.gethostname()}"


def await_ledger(ledger: LedgerPulse, wait_s: float = LEDGER_WAIT_S) -> None:
    """Return when the ledger answers; raise StartError if it does not within `wait_s`."""
    until = time.monotonic() + wait_s
    while True:
        try:
            return ledger.ping()
        except LedgerRefused as error:
            raise _refused(error) from error
        except LedgerUnavailable as error:
            if time.monotonic() >= until:
                raise StartError(
                    f"no ledger within {wait_s:.0f} s: {error}; is MANYHANDS_REDIS_URL right, or --broker?"
                ) from error
            log.warning("waiting for the ledger: %s", error, extra={"action": "wait"})
        time.sleep(1)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.app", description="Serve specialists, unsupervised.")
    parser.add_argument("names", nargs="*", help="specialists to serve; default: all")
    parser.add_argument("--ticks", type=int, help="an open file descriptor; written to as long as all is well")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _asked()
    sys.exit(main(asked.names, asked.ticks))
