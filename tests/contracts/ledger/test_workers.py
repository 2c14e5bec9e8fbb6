"""Workers that are alive."""

from __future__ import annotations

from infra.ledger.protocol import Ledger
from tests.contracts.ledger.given import LEASE_MS, TimedLedger


def test_a_worker_is_listed_until_its_beat_is_too_old(timed: TimedLedger) -> None:
    timed.ledger.beat("w1", {"serves": ["triage"]}, 500)
    timed.ledger.beat("w2", {"serves": []}, LEASE_MS)
    assert timed.ledger.workers() == {"w1": {"serves": ["triage"]}, "w2": {"serves": []}}

    timed.passes(500)

    assert timed.ledger.workers() == {"w2": {"serves": []}}
    timed.ledger.ping()


def test_a_worker_that_has_left_is_listed_no_more(ledger: Ledger) -> None:
    ledger.beat("w1", {"serves": ["triage"]}, LEASE_MS)
    ledger.beat("w2", {"serves": []}, LEASE_MS)

    ledger.leave("w1")
    ledger.leave("nobody")

    assert ledger.workers() == {"w2": {"serves": []}}
