"""Admission: what goes before a new job, how long that takes, and when who is refused is to come back. By hand."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from coordinator.admission.backlog import Backlog
from coordinator.admission.decide import (
    LONGEST_S,
    MARGIN,
    UNKNOWN_S,
    Bid,
    Bounds,
    Fault,
    Promised,
    Why,
    bids,
    faults,
    joined,
    promised_s,
    retry_after_s,
    wait_s,
)
from infra.records import Job, Load, Priority, TypeState

HIGH, NORMAL, LOW = Priority
WIDE = Bounds(backlog=1_000_000, tenant_backlog=1_000_000)
WEIGHTS = {"gold": 4.0, "silver": 2.0}


def backlog(speed: float | None = 100.0, sent: int = 0, tokens: int = 0, **ready: Any) -> Backlog:
    """`ready`: class -> tenant -> jobs. Of ten tokens each, or `tokens` in all: at 100 tokens/s, ten jobs a second."""
    lines = {Priority(name): tenants for name, tenants in ready.items()}
    load = Load(ready=lines, sent=sent, tokens_per_s=speed)
    return Backlog(load.model_copy(update={"tokens": tokens or 10 * load.jobs}), WEIGHTS)


def bid(jobs: int = 1, tenant: str = "bronze", priority: Priority = NORMAL, within_s: float = 1e9) -> Bid:
    return Bid("triage", tenant, priority, jobs, 10 * jobs, within_s)


def whys(found: list[Fault]) -> list[Why]:
    return [fault.why for fault in found]


# -- what goes before --


def test_nothing_goes_before_the_first() -> None:
    assert backlog().before("bronze", NORMAL) == 0


def test_what_is_on_the_queue_and_its_own_tenants_jobs_go_before() -> None:
    assert backlog(sent=7, normal={"bronze": 5}).before("bronze", NORMAL) == 12


def test_all_of_a_higher_class_and_nothing_of_a_lower_one_goes_before() -> None:
    waits = backlog(high={"a": 3, "b": 4}, normal={"bronze": 1}, low={"a": 100})
    assert [waits.before("bronze", each) for each in Priority] == [0 + 2, 7 + 1, 7 + 1 + 1]


@pytest.mark.parametrize(
    ("own", "others"),
    [
        pytest.param(0, 1 + 1, id="whoever draws level goes first: one job each"),
        pytest.param(1, 5 + 3, id="for one of weight 1, four of weight 4 and two of weight 2"),
        pytest.param(3, 13 + 7, id="and so on"),
        pytest.param(100, 20 + 30, id="but no more than they have"),
    ],
)
def test_of_other_tenants_goes_before_what_their_weight_lets_them_have_meanwhile(own: int, others: int) -> None:
    waits = backlog(normal={"gold": 20, "silver": 30, "bronze": own})
    assert waits.before("bronze", NORMAL) == own + others


def test_a_tenant_of_weight_waits_for_few_of_the_others() -> None:
    # Seven of its own at weight 4: meanwhile one of weight 1 has floor(7 / 4) + 1 = 2.
    assert backlog(normal={"gold": 7, "bronze": 100}).before("gold", NORMAL) == 7 + 2


# -- how long that takes --


def test_the_wait_is_what_goes_before_by_its_mean_size_and_the_speed() -> None:
    assert wait_s(bid(), backlog(sent=20, normal={"bronze": 10})) == pytest.approx(30 * 10 / 100)
    assert wait_s(bid(), backlog(sent=20, tokens=400)) == pytest.approx(20 * 20 / 100)


def test_the_wait_of_several_is_that_of_the_last() -> None:
    assert wait_s(bid(jobs=11), backlog()) == pytest.approx(10 * 10 / 100)
    assert wait_s(bid(jobs=11), backlog(sent=5)) == pytest.approx((5 + 10) * 10 / 100)


def test_nothing_is_foreseen_without_a_speed_or_of_a_paused_type() -> None:
    assert wait_s(bid(), backlog(speed=None, sent=20)) is None
    paused = backlog(sent=20)
    assert wait_s(bid(), Backlog(paused.load.model_copy(update={"state": TypeState.PAUSED}), {})) is None


# -- who is refused --


def test_what_fits_is_let_in() -> None:
    assert faults(bid(jobs=10), backlog(sent=90), Bounds(100, 100), Promised()) == []


def test_over_the_bound_it_comes_back_when_so_many_have_been_done() -> None:
    found = faults(bid(jobs=10), backlog(sent=95), Bounds(backlog=100, tenant_backlog=1000), Promised())
    assert whys(found) == [Why.BACKLOG]
    assert found[0].sentence == "triage: 95 jobs wait; at most 100 may"
    assert found[0].retry_s == pytest.approx(5 * 10 / 100)


def test_who_was_refused_before_is_counted_until_due() -> None:
    found = faults(bid(), backlog(sent=100), Bounds(100, 1000), Promised(jobs=24))
    assert found[0].retry_s == pytest.approx(25 * 10 / 100)


def test_over_the_tenants_bound_it_comes_back_when_so_many_of_its_own_have_left_the_line() -> None:
    # Three of bronze must go. With them go what is of a higher class, and of gold (3 - 1) * 4 + 1.
    waits = backlog(high={"gold": 6}, normal={"bronze": 48, "gold": 90})
    found = faults(bid(jobs=5), waits, Bounds(backlog=1000, tenant_backlog=50), Promised())
    assert whys(found) == [Why.TENANT_BACKLOG]
    assert found[0].sentence == "triage: 48 jobs of tenant 'bronze' wait; at most 50 may"
    assert found[0].retry_s == pytest.approx((6 + 3 + 9) * 10 / 100)


def test_a_tenants_jobs_of_a_higher_class_leave_first() -> None:
    waits = backlog(high={"bronze": 2}, low={"bronze": 9, "gold": 100})
    assert waits.until("bronze", 2) == 2
    assert waits.until("bronze", 3) == 2 + 1 + 1
    assert waits.until("bronze", 12) == 2 + 109


def test_of_a_tenants_bound_those_that_come_back_before_are_counted_too() -> None:
    waits = backlog(normal={"bronze": 10})
    found = faults(bid(), waits, Bounds(1000, 10), tenants=Promised(jobs=14))
    assert found[0].retry_s == pytest.approx(15 * 10 / 100)


def test_a_deadline_that_the_wait_exceeds_is_refused_until_the_line_is_short_enough() -> None:
    found = faults(bid(within_s=2.0), backlog(sent=50), WIDE, Promised())
    assert whys(found) == [Why.DEADLINE]
    said = "triage: the wait is about 5.0 s; it must be claimed within 2 s"
    assert found[0].sentence == said
    assert found[0].retry_s == pytest.approx(MARGIN * 5.0 - 2.0)
    assert faults(bid(within_s=MARGIN * 5.0), backlog(sent=50), WIDE, Promised()) == []


def test_a_deadline_is_for_the_answer_so_the_time_that_a_job_runs_counts() -> None:
    waits = backlog(sent=50)
    runs = Backlog(waits.load.model_copy(update={"running": 20}), waits.weights)
    done_s = MARGIN * 5.0 + 20 * 10 / 100
    assert runs.runs_s() == pytest.approx(2.0)
    assert faults(replace(bid(), done_s=done_s), runs, WIDE, Promised()) == []
    assert whys(faults(replace(bid(), done_s=done_s - 0.1), runs, WIDE, Promised())) == [Why.DEADLINE]
    assert faults(bid(within_s=MARGIN * 5.0), runs, WIDE, Promised()) == []


def test_a_deadline_that_no_line_would_keep_says_so() -> None:
    found = faults(bid(jobs=31, within_s=2.0), backlog(sent=50), WIDE, Promised())
    assert "even where nothing else waits" in found[0].sentence
    assert retry_after_s(found) == UNKNOWN_S


def test_without_a_speed_no_deadline_is_refused_and_a_bound_says_a_fixed_time() -> None:
    waits = backlog(speed=None, sent=100)
    assert faults(bid(within_s=0.001), waits, WIDE, Promised()) == []
    assert retry_after_s(faults(bid(), waits, Bounds(100, 100), Promised())) == UNKNOWN_S


def test_where_nothing_that_waits_can_be_done_now_nothing_says_when_it_helps_to_come_back() -> None:
    pending = Backlog(Load(pending=100, tokens_per_s=100.0), WEIGHTS)
    found = faults(bid(), pending, Bounds(100, 100), Promised())
    assert [fault.retry_s for fault in found] == [None]
    assert retry_after_s(found) == UNKNOWN_S
    assert promised_s(found) is None


@pytest.mark.parametrize(("retry_s", "promised"), [(3.2, 4), (None, None), (LONGEST_S + 1.0, None)])
def test_nothing_is_promised_but_what_is_measured(retry_s: float | None, promised: int | None) -> None:
    found = [Fault("triage", Why.BACKLOG, "", 1.0), Fault("count", Why.DEADLINE, "", retry_s)]
    assert promised_s(found) == promised


def test_one_job_is_spoken_of_as_one() -> None:
    found = faults(bid(), backlog(normal={"bronze": 1}), Bounds(1, 1), Promised(jobs=1, reserved=1), Promised(jobs=2))
    assert [fault.sentence for fault in found] == [
        "triage: 1 job of tenant 'bronze' waits, and 2 were told to come back before; at most 1 may",
        "triage: 1 job waits, and 1 was told to come back before; at most 1 may",
    ]


def test_what_would_not_fit_an_empty_line_is_never_let_in() -> None:
    found = faults(bid(jobs=101), backlog(sent=50), Bounds(200, 100), Promised())
    assert whys(found) == [Why.TOO_MANY]
    assert found[0].sentence == "triage: 101 jobs at once; at most 100 may wait"
    assert retry_after_s(found) is None


def test_a_draining_type_takes_nothing_in_not_even_its_name() -> None:
    draining = Backlog(Load(state=TypeState.DRAINING), {})
    assert whys(faults(bid(), draining, WIDE, Promised())) == [Why.DRAINING]
    assert whys(faults(Bid("triage", "bronze", NORMAL), draining, WIDE, Promised())) == [Why.DRAINING]


def test_a_type_that_is_only_named_is_bound_by_nothing_else() -> None:
    named = Bid("triage", "bronze", NORMAL, within_s=0.001)
    assert faults(named, backlog(sent=1000), Bounds(1, 1), Promised()) == []


def test_all_faults_come_at_once_and_the_longest_time_counts() -> None:
    waits = backlog(normal={"bronze": 100})
    found = faults(bid(within_s=9.5), waits, Bounds(100, 100), Promised())
    assert whys(found) == [Why.TENANT_BACKLOG, Why.BACKLOG, Why.DEADLINE]
    assert [fault.retry_s for fault in found] == pytest.approx([0.1, 0.1, MARGIN * 10 - 9.5])
    assert retry_after_s(found) == 2


@pytest.mark.parametrize(("retry_s", "header"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (1e9, LONGEST_S)])
def test_retry_after_is_in_whole_seconds_rounded_up_and_bounded(retry_s: float, header: int) -> None:
    assert retry_after_s([Fault("triage", Why.BACKLOG, "", retry_s)]) == header


# -- what a request brings --


def test_a_request_is_a_bid_for_each_type_that_it_names() -> None:
    jobs = [
        Job(id=f"r.s1.{n}", type="triage", input={}, run_id="r", step_id="s1", tokens=7, claim_within_s=claim_within_s)
        for n, claim_within_s in enumerate((None, 3.0))
    ]
    assert bids(["triage", "count", "count"], jobs, "gold", LOW, 60.0) == [
        Bid("count", "gold", LOW, 0, 0, inf, 60.0),
        Bid("triage", "gold", LOW, 2, 14, 3.0, 60.0),
    ]


def test_what_is_entering_waits_already() -> None:
    load = joined(backlog(normal={"gold": 1}).load, [bid(jobs=1), bid(jobs=2)])
    assert (load.ready, load.tokens, load.jobs) == ({NORMAL: {"gold": 1, "bronze": 3}}, 40, 4)


# -- what others were promised --


def test_capacity_that_others_were_promised_is_not_given_away() -> None:
    found = faults(bid(), backlog(sent=95), Bounds(100, 1000), Promised(jobs=20, reserved=5))
    assert whys(found) == [Why.BACKLOG]
    assert found[0].sentence == "triage: 95 jobs wait, and 20 were told to come back before; at most 100 may"
    assert found[0].retry_s == pytest.approx(16 * 10 / 100)
    assert faults(bid(), backlog(sent=95), Bounds(100, 1000), Promised(jobs=20, reserved=4)) == []


def test_a_wait_that_others_were_promised_is_not_given_away() -> None:
    assert whys(faults(bid(within_s=2.0), backlog(sent=19), WIDE, Promised(jobs=9, reserved=2))) == [Why.DEADLINE]
    assert faults(bid(within_s=2.0), backlog(sent=17), WIDE, Promised(jobs=9, reserved=1)) == []
