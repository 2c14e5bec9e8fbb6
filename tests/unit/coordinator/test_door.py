"""The door: what it promises to those whom it refuses, and what it sees of those who are entering."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush

import pytest

from coordinator.admission.decide import Bid, Why
from coordinator.admission.door import Door, NotAdmitted
from coordinator.admission.promises import GRACE_S
from infra.ledger.memory.ledger import MemoryLedger
from infra.records import Load, Priority
from infra.settings import Settings
from specialists.catalog import load_catalog
from tests.support.clock import Clock

CATALOG = load_catalog(adapters=False)
SETTINGS = Settings(_env_file=None, backlog=100, tenant_backlog=60)


class Full(MemoryLedger):
    """A ledger whose line is full, and goes at two jobs a second."""

    sent = 40

    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        ready = {Priority.NORMAL: {"busy": 60}}
        load = Load(ready=ready, sent=self.sent, tokens=60 + self.sent, tokens_per_s=2.0)
        return dict.fromkeys(job_types, load)


def bid(jobs: int = 1, job_type: str = "count", tenant: str = "acme") -> Bid:
    return Bid(job_type, tenant, Priority.NORMAL, jobs, jobs, within_s=600.0)


def refusal(door: Door, *bids: Bid, name: str | None = None) -> NotAdmitted:
    with pytest.raises(NotAdmitted) as refused, door.entering(bids, name):
        pass
    return refused.value


def told(door: Door, bid: Bid, name: str | None = None) -> int | None:
    """When to come back; None: let in."""
    try:
        with door.entering([bid], name):
            return None
    except NotAdmitted as refused:
        return refused.retry_after_s


def is_let_in(door: Door, bid: Bid, name: str | None = None) -> bool:
    return told(door, bid, name) is None


class Stored(MemoryLedger):
    """A ledger with jobs that wait, where something happens while it is asked how many."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.meanwhile: list[Callable[[], None]] = []

    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        load = Load(sent=self.sent, tokens=self.sent, tokens_per_s=5.0)
        if self.meanwhile:
            self.meanwhile.pop()()
        return dict.fromkeys(job_types, load)


@pytest.fixture
def clock() -> Clock:
    return Clock(500.0)


@pytest.fixture
def full() -> Full:
    return Full()


@pytest.fixture
def door(full: Full, clock: Clock) -> Door:
    return Door(full, CATALOG, SETTINGS, now_s=clock.now_s)


def test_those_refused_one_after_the_other_are_told_later_and_later_times(door: Door) -> None:
    assert [refusal(door, bid(), name=str(n)).retry_after_s for n in range(6)] == [1, 1, 2, 2, 3, 3]


def test_who_gives_no_name_makes_nobody_wait(door: Door) -> None:
    assert {refusal(door, bid()).retry_after_s for _ in range(1000)} == {1}
    assert refusal(door, bid(), name="a").faults == ["count: 100 jobs wait; at most 100 may"]


@pytest.mark.parametrize("named", [pytest.param(False, id="no keys"), pytest.param(True, id="a new key each time")])
def test_who_comes_again_and_again_keeps_nobody_out_of_a_line_with_room(clock: Clock, named: bool) -> None:
    ledger = Stored()
    door, ledger.sent = Door(ledger, CATALOG, SETTINGS, now_s=clock.now_s), 100
    for n in range(6000):  # a hundred a second, where five are done
        clock.s += 0.01
        refusal(door, bid(tenant="greedy"), name=f"greedy/{n}" if named else None)
    ledger.sent = 2
    assert is_let_in(door, bid(jobs=30))


def test_a_promise_that_is_due_is_counted_no_more(door: Door, clock: Clock) -> None:
    assert refusal(door, bid(jobs=20), name="a").retry_after_s == 10
    assert refusal(door, bid()).retry_after_s == 11
    clock.s += 10 + GRACE_S + 0.5
    assert refusal(door, bid()).retry_after_s == 1


def test_who_comes_back_as_told_is_let_in_before_who_comes_first_now(door: Door, full: Full, clock: Clock) -> None:
    assert [refusal(door, bid(), name=name).retry_after_s for name in ("a", "b", "c", "d")] == [1, 1, 2, 2]
    clock.s, full.sent = clock.s + 1, full.sent - 2  # two have been done
    assert not is_let_in(door, bid(), "new")
    assert not is_let_in(door, bid())
    assert not is_let_in(door, bid(), "c")  # its time is not yet
    assert is_let_in(door, bid(), "a")
    assert is_let_in(door, bid(), "b")


def test_who_comes_back_as_told_and_finds_no_room_keeps_its_turn(door: Door, clock: Clock) -> None:
    names = ("a", "b", "c", "d")
    assert [refusal(door, bid(), name=name).retry_after_s for name in names] == [1, 1, 2, 2]
    clock.s += 1  # nothing was done
    assert refusal(door, bid(), name="a").retry_after_s == 1
    assert refusal(door, bid(), name="new").retry_after_s == 3


def test_reserved_capacity_is_given_away_when_its_caller_does_not_come(door: Door, full: Full, clock: Clock) -> None:
    refusal(door, bid(jobs=2), name="a")
    clock.s, full.sent = clock.s + 1, full.sent - 2
    assert not is_let_in(door, bid(jobs=2))
    clock.s += GRACE_S + 0.5
    assert is_let_in(door, bid(jobs=2))


def test_under_three_times_the_load_what_is_told_comes_true(full: Full, door: Door, clock: Clock) -> None:
    """Six come a second for twenty seconds where two are done, and whoever is refused comes back when told to."""
    began, waits, full.sent = clock.s, list[int](), full.sent - 10
    comes = [(began + n / 6, str(n)) for n in range(120)]
    ends = deque(began + n / 2 for n in range(120))
    while comes:
        clock.s, name = heappop(comes)
        while ends[0] <= clock.s:
            ends.popleft()
            full.sent -= 1
        if wait_s := told(door, bid(tenant=f"tenant-{int(name) % 2}"), name):  # of one, some would have no place
            waits.append(wait_s)
            heappush(comes, (clock.s + wait_s, name))
        else:
            full.sent += 1
    assert 60 < len(waits) <= 120 - 10  # nobody who was told was refused again
    assert max(waits) > 30


def test_promises_of_one_type_are_nothing_to_another(door: Door) -> None:
    refusal(door, bid(jobs=50), name="a")
    assert refusal(door, bid(job_type="table")).retry_after_s == 1


def test_promises_about_a_tenants_own_bound_are_nothing_to_another_tenant(clock: Clock) -> None:
    wide = SETTINGS.model_copy(update={"backlog": 1000})
    door = Door(Full(), CATALOG, wide, now_s=clock.now_s)
    for wait_s in (10, 20):  # of its own twenty a time must leave, at two a second, and the queue is not its own
        assert refusal(door, bid(jobs=20, tenant="busy"), name=str(wait_s)).retry_after_s == wait_s
    with door.entering([bid(jobs=20, tenant="acme")]):
        pass


def test_a_request_that_is_refused_names_every_fault_and_promises_for_every_type(door: Door) -> None:
    asked = bid(jobs=2), bid(jobs=4, job_type="table"), bid(tenant="busy", job_type="table")
    refused = refusal(door, *asked, name="a")
    assert refused.faults == [
        "count: 100 jobs wait; at most 100 may",
        "table: 100 jobs wait; at most 100 may",
        "table: 60 jobs of tenant 'busy' wait; at most 60 may",
        "table: 100 jobs wait; at most 100 may",
    ]
    assert (refused.why, refused.retry_after_s) == (Why.TENANT_BACKLOG, 2)
    assert refusal(door, bid()).retry_after_s == 2  # two of count come back before


def test_what_is_entering_counts_until_it_has_entered(clock: Clock) -> None:
    door = Door(MemoryLedger(), CATALOG, SETTINGS, now_s=clock.now_s)
    with door.entering([bid(jobs=60)]):
        assert refusal(door, bid(jobs=41, tenant="other")).why is Why.BACKLOG
        assert refusal(door, bid()).why is Why.TENANT_BACKLOG
        with door.entering([bid(jobs=40, tenant="other")]):
            pass
    with door.entering([bid(jobs=41, tenant="other")]):
        pass


def test_what_is_refused_does_not_count_as_entering(clock: Clock) -> None:
    ledger, seen = Stored(), list[bool]()
    door, ledger.sent = Door(ledger, CATALOG, SETTINGS, now_s=clock.now_s), 99
    ledger.meanwhile = [lambda: seen.append(is_let_in(door, bid()))]
    refusal(door, bid(jobs=20))
    assert seen == [True]


def test_what_is_stored_while_the_ledger_is_asked_counts(clock: Clock) -> None:
    """It has entered, and the ledger was asked before: it is in neither."""
    ledger = Stored()
    door, ledger.sent = Door(ledger, CATALOG, SETTINGS, now_s=clock.now_s), 99

    def enters() -> None:
        with door.entering([bid()]):
            ledger.sent += 1

    ledger.meanwhile = [enters]
    assert refusal(door, bid()).faults == ["count: 100 jobs wait; at most 100 may"]
    assert ledger.sent == 100
    ledger.sent -= 1
    assert is_let_in(door, bid())
