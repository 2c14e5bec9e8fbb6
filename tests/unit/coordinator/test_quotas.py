"""Quotas: what is taken of them, what is left, and when there is room again."""

from __future__ import annotations

import pytest

from coordinator.keys.caller import anybody, asking_as
from coordinator.keys.quotas import KEPT_S, OverQuota, Quotas
from coordinator.keys.windows import clear_s, left, room_s, used
from infra.access import Quota, Spend, Window
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Job

TEN = Spend("jobs-minute", 10, 60, 4)


def jobs(count: int, tokens: int = 1) -> list[Job]:
    return [
        Job(id=f"r.s.{n}", type="t", input={}, run_id="r", step_id="s", index=n, tokens=tokens) for n in range(count)
    ]


@pytest.fixture
def ledger() -> MemoryLedger:
    ledger = MemoryLedger()
    ledger.set_quota("acme", Quota(jobs_a_minute=10, tokens_a_day=50, running=2))
    return ledger


@pytest.mark.parametrize(
    ("window", "taken", "remaining", "wait_s"),
    [
        (Window(0, 0, 0, 0), 0, 10, 0.0),
        (Window(0, 0, 6, 90), 6, 4, 0.0),
        (Window(10, 60, 0, 0), 10, 0, 24.0),  # 4 of the 10 have slid out after two fifths of the minute
        (Window(10, 30, 0, 0), 5, 5, 0.0),
        (Window(10, 45, 2, 105), 9, 1, 21.0),
        (Window(0, 0, 10, 120), 10, 0, 84.0),  # the current one begins to slide after a minute
    ],
)
def test_a_window_says_what_is_used_and_when_four_more_fit(
    window: Window, taken: int, remaining: int, wait_s: float
) -> None:
    assert (used(window, TEN), left(window, TEN)) == (taken, remaining)
    assert room_s(window, TEN) == pytest.approx(wait_s)


def test_what_is_larger_than_the_window_never_fits() -> None:
    assert room_s(Window(0, 0, 0, 0), TEN._replace(amount=11)) is None


def test_a_window_is_clear_when_all_of_it_has_slid_out() -> None:
    assert [clear_s(each) for each in (Window(0, 0, 0, 0), Window(3, 20.2, 0, 0), Window(3, 20.2, 1, 80.5))] == [
        0,
        21,
        81,
    ]


def test_requests_are_let_in_until_a_window_is_full(ledger: MemoryLedger) -> None:
    quotas = Quotas(ledger)
    with quotas.entering("acme", "r1", jobs(7)):
        pass
    with pytest.raises(OverQuota) as refused, quotas.entering("acme", "r2", jobs(4)):
        pass
    assert refused.value.faults == ["jobs-minute: 7 of 10 are used, and the request needs 4"]
    assert 1 <= (refused.value.retry_after_s or 0) <= 120
    with quotas.entering("acme", "r3", jobs(3)), quotas.entering("byte", "r4", jobs(99)):
        pass


def test_all_bounds_that_are_reached_are_named(ledger: MemoryLedger) -> None:
    quotas = Quotas(ledger)
    for run_id in ("r1", "r2"):
        with quotas.entering("acme", run_id, jobs(5, tokens=5)):
            pass
    with pytest.raises(OverQuota) as refused, quotas.entering("acme", "r3", jobs(1, tokens=5)):
        pass
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["jobs-minute", "tokens-day", "running"]


def test_a_request_that_no_window_is_large_enough_for_is_not_told_to_come_back(ledger: MemoryLedger) -> None:
    with pytest.raises(OverQuota) as refused, Quotas(ledger).entering("acme", "r1", jobs(11)):
        pass
    assert refused.value.retry_after_s is None


def test_what_was_taken_for_a_run_that_was_not_stored_is_given_back(ledger: MemoryLedger) -> None:
    quotas = Quotas(ledger)
    with pytest.raises(KeyError), quotas.entering("acme", "r1", jobs(10)):
        raise KeyError
    with quotas.entering("acme", "r2", jobs(10)):
        pass


def test_while_the_ledger_is_away_nobody_knows_and_nothing_is_given_back(ledger: MemoryLedger) -> None:
    quotas = Quotas(ledger)
    with pytest.raises(LedgerUnavailable), quotas.entering("acme", "r1", jobs(10)):
        raise LedgerUnavailable("away")
    with pytest.raises(OverQuota), quotas.entering("acme", "r2", jobs(1)):
        pass


def test_later_jobs_of_a_goal_are_charged_and_never_refused(ledger: MemoryLedger) -> None:
    quotas = Quotas(ledger)
    quotas.charge("acme", jobs(30))
    with pytest.raises(OverQuota), quotas.entering("acme", "r1", jobs(1)):
        pass


def test_a_quota_is_read_anew_after_a_few_seconds(ledger: MemoryLedger) -> None:
    now = [0.0]
    quotas = Quotas(ledger, lambda: now[0])
    quotas.charge("acme", jobs(30))
    ledger.set_quota("acme", Quota())
    with pytest.raises(OverQuota), quotas.entering("acme", "r1", jobs(1)):
        pass
    now[0] = KEPT_S
    with quotas.entering("acme", "r1", jobs(1)):
        pass


def test_the_caller_is_told_the_bounds_and_what_is_left(ledger: MemoryLedger) -> None:
    caller = anybody()
    with asking_as(caller), Quotas(ledger).entering("acme", "r1", jobs(2, tokens=5)):
        pass
    assert caller.policy == '"jobs-minute";q=10;w=60, "tokens-day";q=50;w=86400, "running";q=2'
    assert caller.usage
    assert [each.split(";")[:2] for each in caller.usage.split(", ")] == [
        ['"jobs-minute"', "r=8"],
        ['"tokens-day"', "r=40"],
        ['"running"', "r=1"],
    ]
