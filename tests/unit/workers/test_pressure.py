"""How much a step may hold after memory has run out."""

from __future__ import annotations

from workers.engines.transformers.pressure import LEAST_TOKENS, PATIENCE, Pressure


def test_each_time_that_memory_runs_out_half_is_left() -> None:
    pressure = Pressure(16, 256)

    assert pressure.shrink(12)
    assert (pressure.rows, pressure.tokens, pressure.shrunk) == (6, 128, 1)


def test_one_row_and_few_tokens_are_the_least() -> None:
    pressure = Pressure(4, 4 * LEAST_TOKENS)

    assert [pressure.shrink(rows) for rows in (4, 2, 1)] == [True, True, False]
    assert (pressure.rows, pressure.tokens, pressure.shrunk) == (1, LEAST_TOKENS, 2)


def test_an_engine_of_small_steps_does_not_shrink_into_larger_ones() -> None:
    pressure = Pressure(1, LEAST_TOKENS // 2)

    assert not pressure.shrink(1)
    assert pressure.tokens == LEAST_TOKENS // 2


def test_after_many_good_steps_more_is_tried_up_to_what_it_was() -> None:
    pressure = Pressure(10, 256)
    pressure.shrink(10)
    pressure.shrink(5)

    seen = []
    for _ in range(3):
        for _ in range(PATIENCE):
            pressure.pass_step()
        seen.append((pressure.rows, pressure.tokens))

    assert seen == [(4, 128), (8, 256), (10, 256)]


def test_good_steps_before_it_ran_out_do_not_count() -> None:
    pressure = Pressure(8, 256)
    for _ in range(PATIENCE - 1):
        pressure.pass_step()
    pressure.shrink(8)
    pressure.pass_step()

    assert pressure.rows == 4
