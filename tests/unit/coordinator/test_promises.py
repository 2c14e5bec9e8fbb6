"""Promises: who was told to come back, and what they need of the room that there is."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from coordinator.admission.decide import NOTHING, Bounds, Promised
from coordinator.admission.promises import GRACE_S, MOST, SWEEP_S, Key, Promise, Promises

TRIAGE = ("triage", None)
BOUNDS = Bounds(backlog=20, tenant_backlog=10)


def promised(*made: tuple[str, int, float], key: Key = TRIAGE, tenant: str = "gold") -> Promises:
    """(name, jobs, due_s) each."""
    promises = Promises()
    for name, jobs, due_s in made:
        promises.make(key, Promise(name, tenant, jobs, due_s), BOUNDS, 100.0)
    return promises


def jobs_of(promises: Promises, now_s: float, due_s: float = inf, key: Key = TRIAGE) -> int:
    return promises.before(key, due_s, now_s, None).jobs


def test_a_promise_is_open_until_who_it_was_made_to_comes_or_is_late() -> None:
    promises = promised(("a", 4, 101.0), ("b", 5, 102.0))
    assert jobs_of(promises, 102.5) == 9
    assert promises.redeem(TRIAGE, "a") == 101.0
    assert promises.redeem(TRIAGE, "a") == inf
    assert jobs_of(promises, 102.5) == 5
    assert jobs_of(promises, 102.0 + GRACE_S + 0.5) == 0
    assert promises.redeem(TRIAGE, "b") == inf


def test_of_promises_those_of_an_earlier_time_go_before() -> None:
    promises = promised(("a", 2, 101.0), ("b", 3, 102.0), ("c", 4, 103.0))
    assert jobs_of(promises, 100.0, promises.redeem(TRIAGE, "b")) == 2


def test_a_later_promise_to_the_same_name_takes_the_place_of_the_first() -> None:
    promises = promised(("a", 4, 101.0), ("a", 3, 102.0))
    assert (len(promises), jobs_of(promises, 100.0), jobs_of(promises, 100.0, 102.0)) == (1, 3, 0)


def test_promises_of_types_and_tenants_are_apart() -> None:
    gold = ("triage", "gold")
    promises = promised(("a", 3, 102.0), key=gold)
    assert promises.before(TRIAGE, inf, 100.0, 1.0) is NOTHING
    assert promises.redeem(TRIAGE, "a") == inf
    assert jobs_of(promises, 100.0, key=gold) == 3


def test_a_tenant_is_promised_no_more_than_it_may_have() -> None:
    promises = promised(*((str(n), 1, 101.0) for n in range(1000)))
    assert (len(promises), jobs_of(promises, 100.0)) == (10, 10)


def test_all_tenants_together_are_promised_so_much_and_no_more() -> None:
    promises = Promises()
    for n in range(12):
        promises.make(TRIAGE, Promise(f"{n}/a", str(n), MOST // 10, 101.0), replace(BOUNDS, tenant_backlog=MOST), 100.0)
    assert (len(promises), jobs_of(promises, 100.0)) == (10, MOST)


@pytest.mark.parametrize(
    ("per_s", "reserved"),
    [
        pytest.param(None, 0, id="no speed is known"),
        pytest.param(0.001, 9, id="next to nothing is done meanwhile: one for each"),
        pytest.param(2.0, 3, id="of four in 1 s two find room that is not there yet, of nine in 3 s six"),
        pytest.param(4.0, 0, id="all do"),
    ],
)
def test_promises_need_of_the_room_that_there_is_what_is_not_made_until_they_are_due(
    per_s: float | None, reserved: int
) -> None:
    promises = promised(("a", 4, 101.0), ("b", 5, 103.0))
    found = promises.before(TRIAGE, inf, 100.0, per_s)
    assert found.jobs == 9
    assert found.reserved == pytest.approx(reserved, abs=0.01)


def test_a_promise_that_is_not_due_soon_needs_no_room_yet() -> None:
    promises = promised(("a", 9, 100.5 + GRACE_S))
    assert promises.before(TRIAGE, inf, 100.0, 1.0) == Promised(9, 0.0)
    assert promises.before(TRIAGE, inf, 101.0, 1.0).reserved == pytest.approx(9 - 2.5)


def test_promises_that_nobody_asks_about_again_are_forgotten() -> None:
    promises = Promises()
    for n in range(1000):
        promises.make(("triage", str(n)), Promise("a", str(n), 1, 101.0), BOUNDS, 100.0)
    assert len(promises) == 1000
    promises.make(TRIAGE, Promise("a", "gold", 1, 101.0 + SWEEP_S), BOUNDS, 100.0 + SWEEP_S)
    assert len(promises) == 1
