"""Server-sent events of a run: each with its entry id, so that a watcher resumes where it was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator

from coordinator.goals import Goals
from infra.ledger import Ledger
from infra.records import Event

HEARTBEAT_MS = 10_000
START = "0"


def event_stream(ledger: Ledger, goals: Goals, run_id: str, after: str, wait_ms: int = HEARTBEAT_MS) -> Iterator[str]:
    """The run's events after entry `after`, to its end; a comment where nothing happened for `wait_ms`."""
    while True:
        events = ledger.events(run_id, after)
        if not events and goals.load(run_id).state.ended:  # its last event came before `after`
            return
        events = events or ledger.events(run_id, after, wait_ms)
        for entry_id, event in events:
            yield format_event(entry_id, event)
            if event.name == "run.ended":
                return
            after = entry_id
        if not events:
            yield ": still running\n\n"


def format_event(entry_id: str, event: Event) -> str:
    return f"id: {entry_id}\nevent: {event.name}\ndata: {json.dumps(event.data)}\n\n"
