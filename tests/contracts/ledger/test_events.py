"""Events of a run, read and waited for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.ledger.protocol import Ledger
from infra.records import Event
from tests.contracts.ledger.given import RUN


def test_events_resume_after_an_id(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [Event(name=f"e{i}", data={"i": i}) for i in range(3)])
    first, second, _ = ledger.events("r1")

    assert [event.name for _, event in ledger.events("r1", after=first[0])] == ["e1", "e2"]
    assert [event.name for _, event in ledger.events("r1", after=second[0])] == ["e2"]


def test_waiting_for_events_returns_with_the_first_one(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [Event(name="old", data={})])
    [(last, _)] = ledger.events("r1")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.events, "r1", last, 30_000)
        ledger.advance(RUN, [], [Event(name="new", data={})], [])
        assert [event.name for _, event in waiting.result()] == ["new"]


def test_waiting_for_events_that_do_not_come_returns_nothing(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    assert ledger.events("r1", wait_ms=20) == []


def test_an_event_id_that_is_none_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no event has the id 'yesterday'"):
        ledger.events("r1", after="yesterday")
