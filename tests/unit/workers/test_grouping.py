"""Which pieces of a step attend together."""

from __future__ import annotations

from workers.engines.transformers.grouping import Piece, grouped, together


def piece(slot: int, width: int, reach: int) -> Piece:
    return Piece(slot, reach - width, [0] * width, "a")


def test_every_piece_is_in_one_group() -> None:
    pieces = [
        piece(n, width, reach) for n, (width, reach) in enumerate([(1, 20), (90, 90), (1, 400), (3, 33), (40, 41)])
    ]

    assert sorted(n for group in grouped(pieces) for n in group) == [0, 1, 2, 3, 4]


def test_answers_that_go_on_attend_in_one_call() -> None:
    assert len(grouped([piece(n, 1, 60 + 3 * n) for n in range(16)])) == 1


def test_a_long_prompt_does_not_have_many_answers_padded_to_its_length() -> None:
    pieces = [*(piece(n, 1, 60) for n in range(15)), piece(15, 200, 200)]

    assert sorted(map(len, grouped(pieces))) == [1, 15]


def test_neighbours_are_read_where_they_are() -> None:
    assert together([piece(4, 1, 50), piece(3, 1, 60), piece(5, 1, 9)]) == slice(3, 6)
    assert together([piece(0, 1, 50), piece(2, 1, 60)]) == slice(0, 3)  # one stranger costs less than two copies


def test_those_far_apart_are_copied() -> None:
    assert together([piece(0, 64, 64), piece(31, 64, 64)]) == [0, 31]
