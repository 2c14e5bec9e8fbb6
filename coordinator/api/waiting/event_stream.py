"""Server-sent events of a run: each with its entry id, so that a watcher resumes where it was cut off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from coordinator.api.waiting.listener import Listener, News
from coordinator.api.waiting.presence import Client
from coordinator.goals.goals import Goals
from coordinator.keys.check import KeyRefused, check_again
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.runs import RunEvents
from infra.records import Event

HEARTBEAT_S = 10.0
RETRY_MS = 2_000
START = "0"


class EventStream:
    def __init__(self, ledger: RunEvents, goals: Goals, listener: Listener, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._ledger = ledger
        self._goals = goals
        self._listener = listener
        self._heartbeat_s = heartbeat_s

    async def of(self, run_id: str, after: str, client: Client) -> AsyncIterator[str]:
        """The run's events after entry `after`, to its last end, or until its watcher has gone; a comment where nothing
        happened for the time of a heartbeat. It ends when its watcher's key does.

        Where the ledger does not answer it breaks off, and says last when to come back.
        """
        try:
            async for each in self._lines(run_id, after, client):
                yield each
        except LedgerUnavailable:
            yield f"retry: {RETRY_MS}\n\n"
        except KeyRefused:
            return

    async def _lines(self, run_id: str, after: str, client: Client) -> AsyncIterator[str]:
        while not client.gone:
            events, ended = await run_in_threadpool(self._read, run_id, after)
            for after, event in events:
                yield format_event(after, event)
            if events:
                continue
            if ended:
                return
            if not await self._listener.heard(run_id, after, self._heartbeat_s, client):
                yield ": still running\n\n"

    def _read(self, run_id: str, after: str) -> tuple[News, bool]:
        """Events, and whether the run has ended; that is looked at first, because it may be taken up and end again."""
        check_again()
        if events := self._ledger.events(run_id, after):
            return events, False
        ended = self._goals.load(run_id).state.ended
        return self._ledger.events(run_id, after), ended


def format_event(entry_id: str, event: Event) -> str:
    return f"id: {entry_id}\nevent: {event.name}\ndata: {json.dumps(event.data)}\n\n"
