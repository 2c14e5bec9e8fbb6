"""Saved plans: kept by tenant and name until they are deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import Json, Saving
from tests.contracts.ledger.given import TimedLedger

PLAN = {"plan": {"steps": [{"id": "s1", "args": {"text": {"$ref": "inputs.größe"}}}]}, "inputs": {"größe": {}}}
OTHER: Json = {"plan": {"steps": []}, "inputs": {}}


def test_a_saved_plan_is_there_as_it_was_saved(ledger: Ledger) -> None:
    assert ledger.saved_plan("acme", "late") is None
    assert ledger.saved_plans("acme") == {}

    assert ledger.save_plan("acme", "late", PLAN, 5) is Saving.NEW

    assert ledger.saved_plan("acme", "late") == PLAN
    assert ledger.saved_plans("acme") == {"late": PLAN}


def test_another_plan_of_the_same_name_takes_its_place(ledger: Ledger) -> None:
    ledger.save_plan("acme", "late", PLAN, 5)

    assert ledger.save_plan("acme", "late", OTHER, 5) is Saving.REPLACED

    assert ledger.saved_plans("acme") == {"late": OTHER}


def test_each_tenant_has_plans_of_its_own(ledger: Ledger) -> None:
    ledger.save_plan("acme", "late", PLAN, 5)
    ledger.save_plan("byte", "late", OTHER, 5)

    assert ledger.delete_plan("byte", "late")

    assert ledger.saved_plan("byte", "late") is None
    assert ledger.saved_plan("acme", "late") == PLAN


def test_plans_are_listed_by_name(ledger: Ledger) -> None:
    for name in ("b", "B", "a-2", "a"):
        ledger.save_plan("acme", name, OTHER, 5)

    assert list(ledger.saved_plans("acme")) == ["B", "a", "a-2", "b"]


def test_a_plan_is_deleted_once(ledger: Ledger) -> None:
    ledger.save_plan("acme", "late", PLAN, 5)

    assert [ledger.delete_plan("acme", "late") for _ in range(2)] == [True, False]
    assert ledger.save_plan("acme", "late", PLAN, 5) is Saving.NEW


def test_a_tenant_that_has_as_many_as_it_may_takes_no_new_name(ledger: Ledger) -> None:
    for name in ("a", "b"):
        ledger.save_plan("acme", name, PLAN, 2)

    assert ledger.save_plan("acme", "c", PLAN, 2) is Saving.FULL
    assert ledger.save_plan("acme", "a", OTHER, 2) is Saving.REPLACED
    assert ledger.save_plan("byte", "c", PLAN, 2) is Saving.NEW

    assert ledger.saved_plans("acme") == {"a": OTHER, "b": PLAN}


def test_of_many_that_save_at_once_no_more_are_taken_than_may_be(ledger: Ledger) -> None:
    start = threading.Barrier(8)

    def race(index: int) -> Saving:
        start.wait()
        return ledger.save_plan("acme", f"p{index}", PLAN, 3)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))

    assert sorted(answers) == [Saving.FULL] * 5 + [Saving.NEW] * 3
    assert len(ledger.saved_plans("acme")) == 3


def test_what_the_caller_does_with_a_plan_later_changes_nothing(ledger: Ledger) -> None:
    mine = {"plan": {"steps": [1]}}
    ledger.save_plan("acme", "late", mine, 5)

    mine["plan"]["steps"].append(2)

    assert ledger.saved_plan("acme", "late") == {"plan": {"steps": [1]}}


def test_a_saved_plan_outlives_what_has_ended(build: Callable[[int], TimedLedger]) -> None:
    timed = build(1)
    timed.ledger.save_plan("acme", "late", PLAN, 5)
    timed.passes(1_100)
    timed.ledger.sweep(0)

    assert timed.ledger.saved_plan("acme", "late") == PLAN
