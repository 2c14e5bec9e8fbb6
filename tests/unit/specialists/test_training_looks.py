"""A training run looks at its development set as often as it can afford, and never for most of its time."""

from __future__ import annotations

import pytest

from specialists.training.looks import COST, FEWEST, LOOKED, SHARE, Looks, look_examples


class Run:
    """A run on a clock: each token that is learned from takes a second, and each that is looked at its share of one.

    `looked` holds the steps with a look, and `shares` what part of the time until then was spent with looking.
    """

    def __init__(self, steps: int, batch: int, tokens_of_a_look: int, looks: int = 10) -> None:
        plan = Looks(steps, looks, tokens_of_a_look)
        self.looked: list[int] = []
        self.shares: list[float] = []
        now = looking = 0.0
        for step in range(1, steps + 1):
            now += batch
            if plan.due(step, batch):
                now, looking = now + COST * tokens_of_a_look, looking + COST * tokens_of_a_look
                self.looked.append(step)
                self.shares.append(looking / now)


def test_a_long_run_looks_ten_times_at_equal_distances() -> None:
    assert Run(steps=1000, batch=16, tokens_of_a_look=LOOKED).looked == list(range(100, 1001, 100))


@pytest.mark.parametrize("steps", [3, 12, 40, 100, 333])
@pytest.mark.parametrize("dev", [10, 50, LOOKED])
def test_looks_take_no_more_than_their_share_of_the_time_so_far_but_for_the_last_one(steps: int, dev: int) -> None:
    run = Run(steps, batch=16, tokens_of_a_look=dev)
    assert all(share <= SHARE for share in run.shares[:-1])
    assert run.looked[-1] == steps


@pytest.mark.parametrize("learned", [200, 320, 600, 5_000])
def test_the_last_look_of_a_short_run_is_at_fewer_examples_so_that_it_fits_too(learned: int) -> None:
    run = Run(steps=learned // 16, batch=16, tokens_of_a_look=look_examples(learned))
    assert run.shares[-1] <= 2 * SHARE


def test_a_look_has_never_so_few_examples_that_it_says_nothing() -> None:
    assert [look_examples(count) for count in (10, 200, 320, 600, 10_000)] == [FEWEST, 70, 112, LOOKED, LOOKED]


def test_a_run_without_a_development_set_looks_at_nothing() -> None:
    assert Run(steps=20, batch=16, tokens_of_a_look=0).looked == []
