"""The actor: one ordinary engine in a process of Ray's. Knows nothing of its siblings, nor of who calls it.

Faults come back as values, because exceptions would bring the text of their tracebacks into Ray's logs.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from infra.logs import where
from infra.settings import Settings
from specialists.bases.weights import WeightsError
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from workers.engines import Completion, Engine, EngineError, EngineStats, PromptTooLong, Request
from workers.engines.load import engine_class

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """An EngineError on its way between processes."""

    message: str
    retryable: bool
    too_long: tuple[int, int, bool] | None = None  #: the arguments of a PromptTooLong, if it is one

    def error(self) -> EngineError:
        return PromptTooLong(*self.too_long) if self.too_long else EngineError(self.message, self.retryable)


@dataclass(frozen=True)
class Health:
    healthy: bool
    stats: EngineStats
    build: str | None = None  #: its engine's
    precision: str | None = None  #: its engine's


class Host:
    """Its methods are coroutines, so that a cancel or a look gets through while requests run."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        """This is cheap. `open` may take long, and can say what is wrong."""
        self._make = make
        self._engine: Engine | None = None

    async def arrive(self) -> None:
        """Returns once the actor runs on a node, whatever else it does."""

    async def open(self) -> Health | Fault:
        """Make the engine, which may load a model, and say how it does."""
        try:
            self._engine = await asyncio.to_thread(self._make)
        except (EngineError, CatalogError, UnknownJobType, WeightsError, OSError) as error:
            return Fault(f"node {socket.gethostname()}: {error}", retryable=False)
        except Exception as error:  # noqa: BLE001 - anybody's code; whoever asked must hear of it
            log.error("the engine did not start: %s\n%s", type(error).__name__, where(error))
            return Fault(f"node {socket.gethostname()}: {type(error).__name__}; Ray's log there says where", False)
        return await self.look()

    async def complete(self, request: Request, left_s: float | None) -> Completion | Fault:
        """`left_s`: seconds until the deadline, because `request.deadline` is of another machine's clock."""
        deadline = None if left_s is None else time.monotonic() + left_s
        try:
            return await asyncio.wrap_future(self._opened.submit(replace(request, deadline=deadline)))
        except PromptTooLong as error:
            return Fault(str(error), error.retryable, (error.tokens, error.limit, error.uncut))
        except EngineError as error:
            return Fault(str(error), error.retryable)
        except Exception as error:  # noqa: BLE001 - sent as it is, it might hold the prompt
            log.error("the engine raised %s\n%s", type(error).__name__, where(error))
            return Fault(f"the engine raised {type(error).__name__}; Ray's log there says where", retryable=False)

    async def cancel(self, request_id: str) -> None:
        self._opened.cancel(request_id)

    async def look(self) -> Health:
        engine = self._opened
        return Health(engine.healthy(), engine.stats(), engine.build, engine.precision)

    @property
    def _opened(self) -> Engine:
        assert self._engine, "nothing is asked of an actor that has not opened"
        return self._engine


def open_engine(kind: str, digests: Mapping[str, str], settings: Settings) -> Engine:
    """Engine `kind` with this node's own copies of the specialists. Their digests must be those in `digests`."""
    catalog = load_catalog(settings.specialists)
    specialists = [catalog.get(name) for name in digests]
    for specialist in specialists:
        if specialist.digest != digests[specialist.name]:
            raise EngineError(
                f"specialist {specialist.name!r} has digest {specialist.digest[:12]}, the worker asked for "
                f"{digests[specialist.name][:12]}: every node needs the same folder of it",
                retryable=False,
            )
    return engine_class(kind).create(specialists, settings)
