"""Jobs that wait: released, counted, taken within a window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from infra.ledger.protocol import Ledger
from infra.records import JobState
from tests.contracts.ledger.given import TimedLedger, a_job, claimed, counts, failure_of, recent, state_of, success_of


def test_releasing_twice_creates_once(ledger: Ledger) -> None:
    jobs = [a_job(i) for i in range(3)]
    assert ledger.release(jobs) == 3
    claim = claimed(ledger, jobs[0])
    ledger.commit(success_of(claim), claim.token)

    assert ledger.release([*jobs, a_job(3)]) == 1
    assert state_of(ledger, jobs[0]) is JobState.SUCCEEDED
    assert ledger.depths()["triage"]["ready"] == 3


def test_jobs_are_taken_oldest_first_and_the_types_in_turn(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(3)])
    ledger.release([a_job(i, type="entities") for i in range(3, 6)])

    taken = ledger.take_ready(10)

    assert [job_id for job_type, job_id in taken if job_type == "triage"] == ["r1.s1.0", "r1.s1.1", "r1.s1.2"]
    assert [job_id for job_type, job_id in taken if job_type == "entities"] == ["r1.s1.3", "r1.s1.4", "r1.s1.5"]
    assert len({job_type for job_type, _ in taken[:2]}) == 2
    assert ledger.take_ready(10) == []


def test_no_more_than_a_window_of_each_type_waits_to_be_claimed(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(5)])
    ledger.release([a_job(9, type="entities")])
    assert len(ledger.take_ready(2)) == 3
    assert ledger.take_ready(2) == []

    claimed(ledger, a_job(0))
    assert ledger.take_ready(2) == [("triage", "r1.s1.2")]
    assert list(ledger.depths()) == ["entities", "triage"]
    assert counts(ledger, "entities") == {"sent": 1}
    assert counts(ledger, "triage") == {"ready": 2, "sent": 2, "running": 1}


def test_depths_can_be_asked_of_some_types_only(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1, type="entities"), a_job(2, type="count")])

    assert list(ledger.depths(["triage", "count", "never_seen"])) == ["count", "triage"]


def test_the_oldest_job_counts_from_when_it_was_made_ready_until_it_is_claimed(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0)])
    timed.passes(200)
    ledger.release([a_job(1), a_job(9, type="entities")])
    assert 200 <= ledger.depths()["triage"]["oldest_ms"] < 60_000

    ledger.take_ready(10)
    timed.passes(100)
    ages = ledger.depths()
    assert 300 <= ages["triage"]["oldest_ms"] < 60_000
    assert ages["entities"]["oldest_ms"] <= ages["triage"]["oldest_ms"] - 200

    claimed(ledger, a_job(0))
    assert 100 <= ledger.depths()["triage"]["oldest_ms"] <= ages["triage"]["oldest_ms"]
    claimed(ledger, a_job(1))
    assert ledger.depths()["triage"]["oldest_ms"] == 0


def test_a_job_that_was_sent_again_is_as_old_as_before(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0)])
    ledger.take_ready(10)
    for silence in (1, 2):
        timed.passes(100 * silence)
        assert ledger.sweep(100) == [("triage", "r1.s1.0")]
    ledger.release([a_job(1)])
    ledger.take_ready(10)
    assert ledger.depths()["triage"]["oldest_ms"] >= 300


def test_a_job_that_is_ready_once_more_is_as_old_as_its_last_attempt(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    timed.passes(1_000)
    committed_ms = timed.now_ms()
    ledger.commit(failure_of(claim), claim.token, 0)
    assert ledger.depths()["triage"]["oldest_ms"] <= timed.now_ms() - committed_ms


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_asks_for_nothing_is_refused(ledger: Ledger, limit: int) -> None:
    for ask in (
        partial(recent, ledger),
        partial(ledger.dead_letters, None, None),
        lambda n: ledger.outcomes("c1", n, 0),
    ):
        with pytest.raises(ValueError, match=f"^a limit of {limit} asks for nothing; it must be above 0$"):
            ask(limit)


@pytest.mark.parametrize("nothing", [0.0, -1.0, float("nan")])
def test_weights_and_ageing_that_order_nothing_are_refused(ledger: Ledger, nothing: float) -> None:
    ledger.release([a_job()])
    with pytest.raises(ValueError, match=f"^tenant 'acme' has the weight {nothing}; it must be above 0$"):
        ledger.take_ready(10, {"byte": 1.0, "acme": nothing})
    with pytest.raises(ValueError, match=f"^a job cannot age in {nothing} s; it must be above 0$"):
        ledger.take_ready(10, {}, nothing)
    assert counts(ledger) == {"ready": 1}


def test_waiting_for_ready_jobs_ends_when_one_is_released(ledger: Ledger) -> None:
    ledger.wait_ready(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        ledger.release([a_job()])
        waiting.result(timeout=30)


def test_waiting_for_ready_jobs_ends_when_half_of_a_full_window_is_claimed(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(6)])
    ledger.take_ready(4)
    ledger.wait_ready(1_000)  # at once, as something was released
    claimed(ledger, a_job(0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        claimed(ledger, a_job(1))
        waiting.result(timeout=30)
    assert ledger.take_ready(4) == [("triage", "r1.s1.4"), ("triage", "r1.s1.5")]


def test_a_window_that_took_all_that_was_ready_is_refilled_by_what_is_released_next(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    ledger.take_ready(2)
    ledger.wait_ready(1_000)  # at once, as something was released
    claimed(ledger, a_job(0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        ledger.release([a_job(2)])
        waiting.result(timeout=30)
    assert ledger.take_ready(2) == [("triage", "r1.s1.2")]
