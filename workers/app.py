"""The worker process: reads the settings, builds a worker, serves until told to stop. `python -m workers.app`."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.trace import Tracer
from pydantic import ValidationError

from infra.celery_queue import CeleryQueue, create_app
from infra.ledger import Ledger, LedgerRefused, LedgerUnavailable
from infra.logs import configure
from infra.metrics import create_registry, served
from infra.queue import Queue, QueueRefused, QueueUnavailable
from infra.redis_ledger import RedisLedger
from infra.settings import SettingError, Settings, setting_faults
from infra.tracing import traced
from specialists.catalog import Catalog, CatalogError, UnknownJobType, load_catalog
from specialists.specialist import Specialist
from specialists.weights import WeightsError
from workers.capability import measure
from workers.consuming import Listener
from workers.engines import Engine, EngineError, distinct
from workers.engines.load import load_engines, slots_of
from workers.metrics import WorkerMetrics
from workers.worker import Worker

log = logging.getLogger("workers.app")  # not `__name__`: this module is run as `__main__`

LEDGER_WAIT_S = 30.0  #: at start; a Redis that starts beside us needs some of it

BROKEN = 1  #: exit code: an engine or the queue broke; start it anew
REFUSED = 2  #: exit code: it cannot start like this; starting it anew does not help

END_S = 10.0  #: a deaf worker whose Celery does not end either is ended so long after its grace period

#: Settings that the command line may give, and how.
OPTIONS = {
    "redis_url": "--broker",
    "redis_password_file": "--key-file",
    "slots": "--slots",
    "engine": "--engine",
    "ray_address": "--address",
}


class StartError(Exception):
    """The worker cannot start; the message is one line that says why."""


#: What stops a start; each says why in its message.
REFUSALS = (
    StartError, SettingError, CatalogError, UnknownJobType, WeightsError, EngineError, LedgerRefused, OSError,
)  # fmt: skip


def main(names: Sequence[str] = (), given: Mapping[str, Any] = MappingProxyType({})) -> int:
    """Serve the specialists `names`, by default all of the catalog. Returns the process's exit code.

    `given`: settings by their field, of those in `OPTIONS`; they win over the environment.
    """
    try:
        settings = Settings(**given)
        _refuse_a_key_in(given)
        configure(settings)
        registry = create_registry("worker")
        with served(registry, settings), traced(settings, "worker") as tracer:
            return serve(settings, names, WorkerMetrics(registry), tracer)
    except ValidationError as error:
        return _refuse("; ".join(setting_faults(error, {field: OPTIONS[field] for field in given})))
    except REFUSALS as error:
        return _refuse(str(error))
    except (LedgerUnavailable, QueueUnavailable) as error:
        log.critical("%s", error, extra={"action": "stop"})
        return BROKEN


def serve(settings: Settings, names: Sequence[str], metrics: WorkerMetrics, tracer: Tracer) -> int:
    specialists = choose(load_catalog(settings.specialists), names)
    ledger = RedisLedger.of(settings)
    queue = CeleryQueue(create_app(settings))
    name = worker_name(names)
    await_ledger(ledger)
    check_rights(ledger, queue, name, specialists)
    engines = load_engines(specialists, settings)
    settings = settings.model_copy(update={"slots": slots_of(engines.values(), settings.slots)})
    try:
        speed = _measured(specialists, engines)
        worker = Worker(
            ledger, specialists, engines, name, settings.lease_s, settings.slots, give_up=queue.stop,
            metrics=metrics, tracer=tracer, tokens_per_s=speed,
        )  # fmt: skip
        with worker:
            job_types = ", ".join(specialist.name for specialist in specialists)
            log.info("%s serves %s", name, job_types, extra={"action": "serve", "slots": settings.slots})
            consume(worker, queue, ledger, name, settings)
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


def consume(worker: Worker, queue: Queue, ledger: Ledger, name: str, settings: Settings) -> None:
    """Serve the queue until told to stop; or until what waits on it does not arrive any more: then end, unhealthy."""
    deafened = partial(_end_deaf, worker, queue, settings.grace_s)
    listener = Listener(queue, ledger, worker.handlers(), settings.slots, settings.silent_s, deafened)

    def stopping() -> None:
        listener.end()
        worker.drain(settings.grace_s)

    with listener:
        queue.serve(listener.handlers(), settings.slots, name, stopping)


def _end_deaf(worker: Worker, queue: Queue, grace_s: float) -> None:
    """What runs ends or goes back to the ledger; should the queue be too broken to stop, the process ends even so."""
    worker.retire()
    worker.drain(grace_s)
    queue.stop()
    end = threading.Timer(grace_s + END_S, os._exit, [BROKEN])
    end.daemon = True
    end.start()


def choose(catalog: Catalog, names: Sequence[str]) -> list[Specialist]:
    """Raises UnknownJobType. Without names, the whole catalog."""
    return [catalog.get(name) for name in dict.fromkeys(names or catalog.names())]


def _refuse_a_key_in(given: Mapping[str, Any]) -> None:
    if urlsplit(given.get("redis_url", "")).password:
        raise StartError(
            "--broker holds a password, which everybody on this machine can read in its list of processes; "
            "put it into a file for --key-file, or into MANYHANDS_REDIS_PASSWORD"
        )


def check_rights(ledger: Ledger, queue: Queue, name: str, specialists: Sequence[Specialist]) -> None:
    """Before minutes go into loading a model: raise StartError if the ledger or the queues are closed to us.

    LedgerUnavailable or QueueUnavailable if they are away.
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
    """What people see in logs, outcomes and Flower: `triage-4242@host`, or `worker-…` for one that hosts several."""
    return f"{names[0] if len(names) == 1 else 'worker'}-{os.getpid()}@{socket.gethostname()}"


def await_ledger(ledger: Ledger, wait_s: float = LEDGER_WAIT_S) -> None:
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


def _refuse(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201 - the logs may not be set up yet
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
