"""Server-sent events of a run: each with its entry id, so that a watcher resumes where it was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator

from coordinator.api.presence import Gone
from coordinator.goals.goals import Goals
from coordinator.goals.waits import LISTENED_MS
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.runs import RunEvents
from infra.records import Event

HEARTBEAT_MS = 10_000
RETRY_MS = 2_000
START = "0"


def event_stream(
    ledger: RunEvents, goals: Goals, run_id: str, after: str, gone: Gone = lambda: False, wait_ms: int = HEARTBEAT_MS
) -> Iterator[str]:
    """The run's events after entry `after`, to its last end, or until its watcher has `gone`; a comment where nothing
    happened for `wait_ms`.

    Where the ledger does not answer it breaks off, and says last when to come back.
    """
    try:
        yield from _events(ledger, goals, run_id, after, gone, wait_ms)
    except LedgerUnavailable:
        yield f"retry: {RETRY_MS}\n\n"


def _events(ledger: RunEvents, goals: Goals, run_id: str, after: str, gone: Gone, wait_ms: int) -> Iterator[str]:
    waited_ms = 0
    while not gone():
        events = ledger.events(run_id, after)
        if not events:
            ended = goals.load(run_id).state.ended  # looked at first: a run may be taken up again, and end again
            events = ledger.events(run_id, after, 0 if ended else min(wait_ms, LISTENED_MS))
            if ended and not events:
                return
        for after, event in events:
            yield format_event(after, event)
        waited_ms = 0 if events else waited_ms + min(wait_ms, LISTENED_MS)
        if waited_ms >= wait_ms:
            waited_ms = 0
            yield ": still running\n\n"


def format_event(entry_id: str, event: Event) -> str:
    return f"id: {entry_id}\nevent: {event.name}\ndata: {json.dumps(event.data)}\n\n"
