"""Which job types get bundles: those whose live workers all take them."""

from __future__ import annotations

from coordinator.takers import Takers, takers
from infra.ledger.memory.ledger import MemoryLedger
from infra.records import Json

NEW: Json = {"serves": {"triage": "1.0.0", "count": "1.0.0"}, "bundles": True}
OLD: Json = {"serves": {"count": "0.9.0", "route": "0.9.0"}}  # of a release without bundles


def test_the_workers_of_a_type_that_take_bundles_are_counted() -> None:
    assert takers({"w1": NEW, "w2": NEW}) == {"triage": 2, "count": 2}


def test_a_type_gets_no_bundles_while_one_of_its_workers_cannot_read_them() -> None:
    assert takers({"w1": NEW, "w2": OLD}) == {"triage": 1}


def test_without_workers_there_are_no_bundles() -> None:
    assert takers({}) == {}


def test_the_roster_is_not_read_for_each_message() -> None:
    ledger = MemoryLedger()
    found = Takers(ledger)
    ledger.beat("w1", NEW, 60_000)
    assert found.by_type() == {"triage": 1, "count": 1}
    ledger.leave("w1")
    assert found.by_type() == {"triage": 1, "count": 1}
