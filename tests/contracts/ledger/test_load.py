"""What waits, how fast it goes, and how much of it is put on the queue."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.ledger.protocol import Ledger
from infra.records import Load, Priority, Reuse
from tests.contracts.ledger.given import LEASE_MS, TimedLedger, a_job, claimed, failure_of, succeeded


def test_a_load_says_what_waits_by_class_and_tenant(ledger: Ledger) -> None:
    ledger.release([a_job(i, tenant="acme", tokens=10) for i in range(3)])
    ledger.release([a_job(3, tenant="byte", tokens=5), a_job(4, priority=Priority.LOW, tokens=7)])
    ledger.release([a_job(9, type="count")])
    ledger.take_ready(1)

    loads = ledger.loads(["triage", "never_seen"])

    assert loads["triage"] == Load(
        ready={Priority.NORMAL: {"acme": 2, "byte": 1}, Priority.LOW: {"default": 1}}, sent=1, tokens=42
    )
    assert loads["triage"].jobs == 5
    assert loads["never_seen"] == Load()
    assert set(loads) == {"triage", "never_seen"}


def test_what_runs_or_is_pending_has_no_tokens_that_wait(ledger: Ledger) -> None:
    unique = Reuse(key="k", digest="d", unique=True)
    ledger.release([a_job(0, reuse=unique, tokens=10), a_job(1, reuse=unique, tokens=10), a_job(2, tokens=10)])
    claimed(ledger, a_job(0))
    waits = claimed(ledger, a_job(2))
    ledger.commit(failure_of(waits), waits.token, 60_000)

    load = ledger.loads(["triage"])["triage"]
    assert load == Load(running=1, pending=2)
    assert load.jobs == 0


def test_a_load_is_taken_off_however_a_job_leaves(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(i, tokens=10) for i in range(3)] + [a_job(3, tokens=10, deadline_ms=timed.now_ms() + 100)])
    ledger.take_ready(2)
    ledger.cancel([a_job(0).id, a_job(2).id])
    timed.passes(100)
    ledger.sweep(LEASE_MS)

    assert ledger.loads(["triage"])["triage"] == Load(sent=1, tokens=10)
    lost = claimed(ledger, a_job(1), lease_ms=20)
    assert ledger.loads(["triage"])["triage"] == Load(running=1)
    ledger.hand_back(a_job(1).id, lost.token)
    assert ledger.loads(["triage"])["triage"].tokens == 10
    claimed(ledger, a_job(1), lease_ms=20)
    timed.passes(20)
    ledger.sweep(LEASE_MS)
    assert ledger.loads(["triage"])["triage"] == Load(sent=1, tokens=10)


def measured(timed: TimedLedger, jobs: int = 100) -> None:
    """Two jobs of 30 tokens have ended in 600 ms in which `jobs` waited."""
    timed.ledger.release([a_job(i, tokens=30) for i in range(jobs + 3)])
    succeeded(timed.ledger, a_job(0))
    for index in (1, 2):
        timed.passes(300)
        succeeded(timed.ledger, a_job(index))


def speed(ledger: Ledger) -> float | None:
    return ledger.loads(["triage"])["triage"].tokens_per_s


def test_the_speed_of_a_type_is_what_ended_while_others_waited(timed: TimedLedger) -> None:
    assert speed(timed.ledger) is None
    measured(timed)

    measured_tokens_per_s = speed(timed.ledger)

    assert measured_tokens_per_s is not None
    assert 10 < measured_tokens_per_s < 105


def test_a_type_that_stands_still_becomes_slow(timed: TimedLedger) -> None:
    measured(timed)
    before = speed(timed.ledger)
    timed.passes(600)
    after = speed(timed.ledger)

    assert before is not None
    assert after is not None
    assert after < 0.8 * before


def test_jobs_for_which_nobody_waited_say_nothing_of_the_speed(timed: TimedLedger) -> None:
    for index in range(4):
        timed.ledger.release([a_job(index, tokens=10)])
        succeeded(timed.ledger, a_job(index))
        timed.passes(200)

    assert speed(timed.ledger) is None


def test_of_a_slow_type_two_seconds_work_is_on_the_queue(timed: TimedLedger) -> None:
    timed.ledger.release([a_job(i, type="count") for i in range(200, 300)])
    measured(timed)

    sent = Counter(job_type for job_type, _ in timed.ledger.take_ready(50))

    assert sent == {"triage": 16, "count": 50}


def test_half_of_the_smaller_window_is_what_a_coordinator_waits_for(timed: TimedLedger) -> None:
    ledger = timed.ledger
    measured(timed)
    assert len(ledger.take_ready(50)) == 16
    ledger.wait_ready(1_000)  # at once, as something was released
    for index in range(3, 10):
        claimed(ledger, a_job(index))

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        claimed(ledger, a_job(10))
        waiting.result(timeout=30)
