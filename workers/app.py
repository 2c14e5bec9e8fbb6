"""The worker process: reads the settings, builds a worker, serves until told to stop. `python -m workers.app`."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Sequence

from pydantic import ValidationError

from infra.celery_queue import CeleryQueue, create_app
from infra.ledger import Ledger, LedgerUnavailable
from infra.logs import configure
from infra.queue import QueueUnavailable
from infra.redis_client import connect
from infra.redis_ledger import RedisLedger
from infra.settings import Settings, setting_faults
from specialists.catalog import Catalog, CatalogError, UnknownJobType, load_catalog
from specialists.specialist import Specialist
from specialists.weights import WeightsError
from workers.engines import EngineError
from workers.engines.load import load_engines
from workers.worker import Worker

log = logging.getLogger("workers.app")  # not `__name__`: this module is run as `__main__`

LEDGER_WAIT_S = 30.0  #: at start; a Redis that starts beside us needs some of it

BROKEN = 1  #: exit code: an engine or the queue broke; start it anew
REFUSED = 2  #: exit code: it cannot start like this; starting it anew does not help


class StartError(Exception):
    """The worker cannot start; the message is one line that says why."""


def main(names: Sequence[str] = (), slots: int | None = None) -> int:
    """Serve the specialists `names`, by default all of the catalog. Returns the process's exit code."""
    try:
        settings = Settings()
        settings = settings.model_copy(update={"slots": slots}) if slots else settings
        configure(settings)
        return serve(settings, names)
    except ValidationError as error:
        return _refuse("; ".join(setting_faults(error)))
    except (StartError, CatalogError, UnknownJobType, WeightsError, EngineError, LedgerUnavailable, OSError) as error:
        return _refuse(str(error))
    except QueueUnavailable as error:
        log.critical("%s", error, extra={"action": "stop"})
        return BROKEN


def serve(settings: Settings, names: Sequence[str]) -> int:
    specialists = choose(load_catalog(settings.specialists), names)
    ledger = RedisLedger(connect(settings), settings.prefix)
    queue = CeleryQueue(create_app(settings))
    await_ledger(ledger)
    engines = load_engines(specialists, settings)
    name = worker_name(names)
    worker = Worker(ledger, specialists, engines, name, settings.lease_s, settings.slots, give_up=queue.stop)
    try:
        with worker:
            served = ", ".join(specialist.name for specialist in specialists)
            log.info("%s serves %s", name, served, extra={"action": "serve", "slots": settings.slots})
            queue.serve(worker.handlers(), settings.slots, name, lambda: worker.drain(settings.grace_s))
        return os.EX_OK if worker.healthy() else BROKEN
    finally:
        for engine in {id(engine): engine for engine in engines.values()}.values():
            engine.close()
        queue.close()
        ledger.close()


def choose(catalog: Catalog, names: Sequence[str]) -> list[Specialist]:
    """Raises UnknownJobType. Without names, the whole catalog."""
    return [catalog.get(name) for name in dict.fromkeys(names or catalog.names())]


def worker_name(names: Sequence[str]) -> str:
    """What people see in logs, outcomes and Flower: `triage-4242@host`, or `worker-…` for one that hosts several."""
    return f"{names[0] if len(names) == 1 else 'worker'}-{os.getpid()}@{socket.gethostname()}"


def await_ledger(ledger: Ledger, wait_s: float = LEDGER_WAIT_S) -> None:
    """Return when the ledger answers; raise StartError if it does not within `wait_s`."""
    until = time.monotonic() + wait_s
    while True:
        try:
            return ledger.ping()
        except LedgerUnavailable as error:
            if time.monotonic() >= until:
                raise StartError(f"no ledger within {wait_s:.0f} s: {error}; is MANYHANDS_REDIS_URL right?") from error
            log.warning("waiting for the ledger: %s", error, extra={"action": "wait"})
        time.sleep(1)


def _refuse(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201 - the logs may not be set up yet
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
