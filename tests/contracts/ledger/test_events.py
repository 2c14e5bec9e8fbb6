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


def test_news_of_many_runs_come_with_the_first_event_of_any(ledger: Ledger) -> None:
    other = RUN.model_copy(update={"id": "r2"})
    ledger.create_run(RUN, [], [Event(name="old", data={})])
    ledger.create_run(other, [], [Event(name="old", data={})])
    after = {"r1": ledger.last_event("r1"), "r2": ledger.last_event("r2"), "r3": ledger.last_event("r3")}
    assert ledger.news(after) == {}
    assert after["r3"] == "0"

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.news, after, 30_000)
        ledger.advance(other, [], [Event(name="new", data={})], [])
        news = waiting.result()
    assert [event.name for _, event in news.pop("r2")] == ["new"]
    assert news == {}


def test_the_last_event_is_the_newest(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [Event(name=f"e{i}", data={}) for i in range(3)])
    assert ledger.last_event("r1") == ledger.events("r1")[-1][0]


def test_a_bell_that_was_rung_before_is_heard_at_once_and_one_time(ledger: Ledger) -> None:
    ledger.ring("bell.1")
    [(rung, _)] = ledger.news({"bell.1": "0", "r1": "0"}, 30_000)["bell.1"]
    assert ledger.news({"bell.1": rung, "r1": "0"}, 20) == {}
    ledger.ring("bell.1")
    assert list(ledger.news({"bell.1": rung, "r1": "0"}, 30_000)) == ["bell.1"]


def test_news_after_what_is_no_event_id_are_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no event has the id 'yesterday'"):
        ledger.news({"r1": "0", "r2": "yesterday"})
