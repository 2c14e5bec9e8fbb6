"""Prefixes of prompts: which are found, and which make room."""

from __future__ import annotations

import numpy as np

from workers.engines.transformers.prefixes import Kept, Prefixes


def kept(specialist: str, *tokens: int) -> Kept:
    return Kept(specialist, tokens, np.zeros(len(tokens), np.uint8))  # a byte a token


def test_the_longest_common_beginning_is_found() -> None:
    prefixes = Prefixes(100)
    short, long = kept("a", 1, 2, 3), kept("a", 1, 2, 4, 5, 6)
    prefixes.keep(short)
    prefixes.keep(long)

    assert prefixes.find("a", [1, 2, 4, 5, 9]) == (long, 4)
    assert prefixes.find("a", [1, 2, 3, 7]) == (short, 3)
    assert prefixes.find("a", [1, 2])[1] == 2


def test_nothing_is_found_of_another_specialist_nor_where_hardly_anything_is_shared() -> None:
    prefixes = Prefixes(100)
    prefixes.keep(kept("a", 1, 2, 3))

    assert prefixes.find("b", [1, 2, 3]) == (None, 0)
    assert prefixes.find("a", [1, 9, 9]) == (None, 0)
    assert prefixes.find("a", []) == (None, 0)


def test_who_was_used_longest_ago_makes_room_and_what_others_share_with_it_stays() -> None:
    prefixes = Prefixes(9)
    first, second, third = kept("a", 1, 2, 3), kept("a", 1, 2, 4), kept("a", 1, 2, 5)
    for each in (first, second, third):
        prefixes.keep(each)
    prefixes.find("a", [1, 2, 3])

    prefixes.keep(kept("a", 7, 8, 9))

    assert prefixes.bytes == 9
    assert prefixes.find("a", [1, 2, 4])[1] == 2  # `second` has gone; the others begin alike
    assert prefixes.find("a", [1, 2, 3]) == (first, 3)
    assert prefixes.find("a", [7, 8, 9])[1] == 3


def test_all_that_made_room_leaves_nothing_behind() -> None:
    prefixes = Prefixes(4)
    for n in range(50):
        prefixes.keep(kept("a", n, n + 1, n + 2))

    assert prefixes.bytes == 3
    assert [n for n in range(50) if prefixes.find("a", [n, n + 1, n + 2])[1]] == [49]


def test_what_is_larger_than_all_of_the_room_is_not_kept() -> None:
    prefixes = Prefixes(2)
    prefixes.keep(kept("a", 1, 2, 3))

    assert (prefixes.bytes, prefixes.find("a", [1, 2, 3])) == (0, (None, 0))


def test_cleared_it_has_nothing() -> None:
    prefixes = Prefixes(10)
    prefixes.keep(kept("a", 1, 2, 3))
    prefixes.clear()

    assert (prefixes.bytes, prefixes.find("a", [1, 2, 3])) == (0, (None, 0))
