"""How many replicas: a decision from numbers alone."""

from __future__ import annotations

import pytest

from workers.engines.ray.scaling import Load, Rules, enough, target

RULES = Rules(least=1, most=8, slots=4, patience_s=5.0, quiet_s=60.0)
IDLE = Load(running=0, waiting=0, oldest_s=0.0)


def test_one_replica_is_trusted_with_a_second_round() -> None:
    assert target(1, 0, Load(running=4, waiting=4, oldest_s=1.0), 0.0, RULES) == 1


@pytest.mark.parametrize(("waiting", "wanted"), [(5, 2), (12, 2), (20, 3), (28, 4)])
def test_it_grows_with_what_waits(waiting: int, wanted: int) -> None:
    assert target(1, 0, Load(running=4, waiting=waiting, oldest_s=1.0), 0.0, RULES) == wanted


def test_old_work_asks_for_one_replica_more() -> None:
    assert target(2, 0, Load(running=8, waiting=1, oldest_s=6.0), 0.0, RULES) == 3


def test_old_work_gives_a_starting_replica_the_time_to_help() -> None:
    assert target(3, 1, Load(running=8, waiting=1, oldest_s=6.0), 0.0, RULES) == 3


def test_age_alone_asks_for_nothing() -> None:
    assert target(2, 0, Load(running=8, waiting=0, oldest_s=6.0), 0.0, RULES) == 2


def test_it_does_not_shrink_before_it_was_quiet_for_long() -> None:
    assert target(5, 0, IDLE, 59.0, RULES) == 5


def test_after_a_quiet_period_it_shrinks_to_what_is_enough() -> None:
    assert target(5, 0, Load(running=5, waiting=0, oldest_s=0.0), 60.0, RULES) == 2


@pytest.mark.parametrize(
    ("replicas", "load", "wanted"),
    [(0, IDLE, 1), (5, IDLE, 1), (8, Load(1000, 1000, 1000.0), 8), (2, Load(1000, 1000, 0.0), 8)],
)
def test_it_never_leaves_its_bounds(replicas: int, load: Load, wanted: int) -> None:
    assert target(replicas, 0, load, 1000.0, RULES) == wanted


def test_what_a_quiet_period_leaves_is_never_too_few() -> None:
    for running in range(60):
        for waiting in range(60):
            load = Load(running, waiting, 0.0)
            assert target(8, 0, load, 1000.0, RULES) >= target(0, 0, load, 0.0, RULES)
            assert enough(load, RULES) * RULES.slots >= min(running + waiting, RULES.most * RULES.slots)
