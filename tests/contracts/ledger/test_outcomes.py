"""Outcomes, shared among coordinators until they are acknowledged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from tests.contracts.ledger.given import IDLE_MS, RUN, TimedLedger, a_job, claimed, success_of


def test_consumers_share_the_outcomes(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(4)])
    for i in range(4):
        ledger.commit(success_of(claim := claimed(ledger, a_job(i))), claim.token)

    mine, yours = ledger.outcomes("c1", 2, 0), ledger.outcomes("c2", 10, 0)

    assert [outcome.index for _, outcome in mine] == [0, 1]
    assert [outcome.index for _, outcome in yours] == [2, 3]
    assert ledger.outcomes("c1", 10, 10) == []


def test_outcomes_that_nobody_acknowledged_are_handed_out_again(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.create_run(RUN, [a_job(0), a_job(1)], [])
    for i in range(2):
        ledger.commit(success_of(claim := claimed(ledger, a_job(i))), claim.token)
    [(first, _), second] = ledger.outcomes("c1", 10, 0)
    ledger.advance(RUN, [], [], [first])

    timed.passes(IDLE_MS)

    assert ledger.outcomes("c2", 10, 0) == [second]
    ledger.acknowledge([second[0]])
    timed.passes(IDLE_MS)
    assert ledger.outcomes("c1", 10, 0) == []


def test_waiting_for_outcomes_returns_with_the_first_one(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.outcomes, "c1", 10, 30_000)
        ledger.commit(success_of(claim), claim.token)
        assert [outcome for _, outcome in waiting.result()] == [success_of(claim)]


def test_an_outcome_counts_as_unacknowledged_until_it_is(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job(0), a_job(1)], [])
    for index in (0, 1):
        claim = claimed(ledger, a_job(index))
        ledger.commit(success_of(claim), claim.token)
    assert ledger.unacknowledged() == 2

    entries = ledger.outcomes("c1", 10, 0)
    assert ledger.unacknowledged() == 2
    ledger.acknowledge([entry_id for entry_id, _ in entries[:1]])
    assert ledger.unacknowledged() == 1
