"""The listener: one thread that listens for the events of all runs that requests wait for. Knows no route.

A request that waits costs a future, and no thread; so a crowd that comes or leaves at once holds nobody else up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from coordinator.api.waiting.pace import Pace
from coordinator.api.waiting.presence import Client
from infra.ledger.protocols.runs import RunEvents
from infra.records import Event

#: How long one read waits for events. A run that is added meanwhile does not wait for its end: the bell is rung.
LISTENED_MS = 5_000

News = list[tuple[str, Event]]  #: by entry id, oldest first
Heard = asyncio.Future[News]


@dataclass
class _Run:
    after: str  #: the entry id after which it is listened to
    heard: set[Heard] = field(default_factory=set)


class Listener:
    def __init__(self, ledger: RunEvents, pace: Pace) -> None:
        self._ledger = ledger
        self._pace = pace
        self._bell = f"bell.{uuid4().hex}"
        self._rung = "0"  #: entry id of the bell's last ring that was heard
        self._runs: dict[str, _Run] = {}
        self._changing = threading.Condition()
        self._reads = False
        self._closed = False
        self._thread: threading.Thread | None = None

    async def heard(self, run_id: str, after: str, within_s: float, client: Client) -> News:
        """Events of the run, with all after entry `after` that one read gives; none after `within_s`, or once the
        client has gone. Those that hear something in the same moment go on one after the other.

        Raises what the ledger raises."""
        heard: Heard = asyncio.get_running_loop().create_future()
        with client.leaving(partial(_give, heard, [])):
            try:
                if self._add(run_id, after, heard):
                    await run_in_threadpool(self._ledger.ring, self._bell)
                async with asyncio.timeout(within_s):
                    await heard
            except TimeoutError:
                return []
            finally:
                self._remove(run_id, heard)
        await self._pace.turn()
        return heard.result()

    def close(self) -> None:
        with self._changing:
            self._closed = True
            self._changing.notify()

    def _add(self, run_id: str, after: str, heard: Heard) -> bool:
        """Whether the bell is to be rung: what is read now leaves out something that this request waits for."""
        with self._changing:
            run = self._runs.get(run_id)
            is_new = run is None or _order(after) < _order(run.after)
            if run is None:
                run = self._runs[run_id] = _Run(after)
            run.after = min(run.after, after, key=_order)
            run.heard.add(heard)
            self._changing.notify()
            self._start()
            return is_new and self._reads

    def _remove(self, run_id: str, heard: Heard) -> None:
        with self._changing:
            if run := self._runs.get(run_id):
                run.heard.discard(heard)
                if not run.heard:
                    del self._runs[run_id]

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        while after := self._asked():
            try:
                self._tell(self._ledger.news(after, LISTENED_MS))
            except Exception as error:  # noqa: BLE001  # raised by each request that waits
                self._fail(error)

    def _asked(self) -> Mapping[str, str]:
        """What to listen for; nothing once it is closed."""
        with self._changing:
            self._changing.wait_for(lambda: self._runs or self._closed)
            self._reads = True
            after = {run_id: run.after for run_id, run in self._runs.items()}
            return {} if self._closed else {self._bell: self._rung, **after}

    def _tell(self, news: Mapping[str, News]) -> None:
        with self._changing:
            self._reads = False
            if rings := news.get(self._bell):
                self._rung = rings[-1][0]
            for run_id in news.keys() & self._runs.keys():
                for heard in self._runs.pop(run_id).heard:
                    heard.get_loop().call_soon_threadsafe(_give, heard, news[run_id])

    def _fail(self, error: Exception) -> None:
        with self._changing:
            self._reads = False
            for run in self._runs.values():
                for heard in run.heard:
                    heard.get_loop().call_soon_threadsafe(_raise, heard, error)
            self._runs.clear()


def _give(heard: Heard, news: News) -> None:
    if not heard.done():
        heard.set_result(news)


def _raise(heard: Heard, error: Exception) -> None:
    if not heard.done():
        heard.set_exception(error)


def _order(entry: str) -> tuple[int, int]:
    ms, _, number = entry.partition("-")
    return int(ms), int(number or 0)
