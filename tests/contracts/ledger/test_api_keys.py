"""Keys of the API, and what tenants have taken of their quotas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.access import ApiKey, Quota, Scope, Spend
from infra.ledger.protocol import Ledger
from infra.records import RunState
from tests.contracts.ledger.given import RUN, TimedLedger

KEY = ApiKey(id="k1", tenant="acme", scopes=(Scope.READ,), sha256="ab", name="mine", created_ms=1)
FIVE = Spend("jobs-minute", 5, 60, 2)
DAY = Spend("jobs-day", 100, 86_400, 2)


def test_a_key_is_there_as_it_was_added_and_has_no_end(ledger: Ledger) -> None:
    assert ledger.api_key("k1") is None

    ledger.add_key(KEY)

    kept = ledger.api_key("k1")
    assert kept
    assert (kept.key, kept.left_s) == (KEY, None)
    assert [each.key for each in ledger.api_keys()] == [KEY]


def test_a_key_ends_after_its_lifetime(timed: TimedLedger) -> None:
    timed.ledger.add_key(KEY.model_copy(update={"lifetime_s": 0.5}))
    kept = timed.ledger.api_key("k1")
    assert kept
    assert 0 < (kept.left_s or 0) <= 0.5

    timed.passes(510)

    kept = timed.ledger.api_key("k1")
    assert kept
    assert (kept.left_s or 0) <= 0


def test_of_two_ends_the_sooner_holds_whichever_comes_last(ledger: Ledger) -> None:
    ledger.add_key(KEY)

    assert [ledger.end_key("k1", in_s) for in_s in (3600, 0, 7200)] == [True] * 3

    kept = ledger.api_key("k1")
    assert kept
    assert (kept.left_s or 0) <= 0
    assert not ledger.end_key("k2")
    assert ledger.api_key("k2") is None


def test_keys_are_listed_the_oldest_first(ledger: Ledger) -> None:
    for number in (3, 1, 2):
        ledger.add_key(KEY.model_copy(update={"id": f"k{number}", "created_ms": number}))

    assert [each.key.id for each in ledger.api_keys()] == ["k1", "k2", "k3"]


def test_a_quota_is_set_read_and_forgotten(ledger: Ledger) -> None:
    assert ledger.quota("acme") is None

    ledger.set_quota("byte", Quota(running=1))
    ledger.set_quota("acme", Quota(jobs_a_minute=5))

    assert ledger.quota("acme") == Quota(jobs_a_minute=5)
    assert list(ledger.quotas()) == ["acme", "byte"]
    ledger.set_quota("acme", Quota())
    assert (ledger.quota("acme"), list(ledger.quotas())) == (None, ["byte"])


def test_what_is_spent_is_taken_of_all_windows_or_of_none(ledger: Ledger) -> None:
    first, second = (ledger.spend("acme", f"r{number}", [FIVE, DAY], None) for number in (1, 2))
    assert (first.refused, second.refused) == ([], [])
    assert [sum((each.earlier, each.current)) for each in second.windows] == [4, 4]

    third = ledger.spend("acme", "r3", [FIVE, DAY], None)

    assert (third.refused, third.enters) == ([0], True)
    left = ledger.spend("acme", "r4", [FIVE._replace(amount=1), DAY._replace(amount=1)], None)
    assert (left.refused, [each.current for each in left.windows]) == ([], [5, 5])


def test_each_tenant_has_windows_of_its_own(ledger: Ledger) -> None:
    ledger.spend("acme", "r1", [FIVE._replace(amount=5)], None)

    assert ledger.spend("byte", "r2", [FIVE], None).refused == []
    assert ledger.spend("acme", "r3", [FIVE], None).refused == [0]


def test_what_is_given_back_can_be_spent_again(ledger: Ledger) -> None:
    all_of_it = FIVE._replace(amount=5)
    ledger.spend("acme", "r1", [all_of_it], 1)

    ledger.give_back("acme", "r1", [all_of_it])

    again = ledger.spend("acme", "r2", [all_of_it], 1)
    assert (again.refused, again.enters) == ([], True)


def test_what_is_charged_is_counted_beyond_the_bound(ledger: Ledger) -> None:
    ledger.charge("acme", [FIVE._replace(amount=7)])

    spent = ledger.spend("acme", "r1", [FIVE._replace(amount=1)], None)
    assert (spent.refused, spent.windows[0].current) == ([0], 7)


def test_as_many_runs_go_on_as_may_and_one_more_when_one_has_ended(ledger: Ledger) -> None:
    for number in (1, 2):
        assert ledger.spend("acme", f"r{number}", [FIVE._replace(amount=1)], 2).enters
        ledger.create_run(RUN.model_copy(update={"id": f"r{number}"}), [], [])

    third = ledger.spend("acme", "r3", [FIVE._replace(amount=1)], 2)
    assert (third.enters, third.running) == (False, 2)

    ledger.advance(RUN.model_copy(update={"id": "r1", "state": RunState.FAILED}), [], [], [])

    fourth = ledger.spend("acme", "r4", [FIVE._replace(amount=1)], 2)
    assert (fourth.enters, fourth.running, fourth.windows[0].current) == (True, 2, 3)


def test_a_run_that_is_counted_enters_again_and_stays_counted_where_its_jobs_are_refused(ledger: Ledger) -> None:
    first = ledger.spend("acme", "r1", [FIVE], 1)
    again = ledger.spend("acme", "r1", [FIVE], 1)
    refused = ledger.spend("acme", "r1", [FIVE], 1)
    other = ledger.spend("acme", "r2", [], 1)

    assert [(each.enters, each.running) for each in (first, again, refused)] == [(True, 1)] * 3
    assert (first.refused, again.refused, refused.refused) == ([], [], [0])
    assert (other.enters, other.running) == (False, 1)


def test_a_window_slides(build: object, ledger: Ledger) -> None:
    from time import sleep

    second = Spend("jobs-second", 2, 1, 2)
    assert ledger.spend("acme", "r1", [second], None).refused == []
    assert ledger.spend("acme", "r2", [second], None).refused == [0]

    sleep(2.1)  # the library has a clock of its own

    assert ledger.spend("acme", "r3", [second], None).refused == []


@pytest.mark.parametrize("most", [1, 3])
def test_of_many_at_once_no_more_are_let_in_than_may_be(ledger: Ledger, most: int) -> None:
    spend = Spend("jobs-minute", most, 60, 1)

    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(lambda n: ledger.spend("acme", f"r{n}", [spend], None), range(8)))

    assert sum(not each.refused for each in spent) == most
