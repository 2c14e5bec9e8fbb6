"""Masks of tokens, as bits."""

from __future__ import annotations

import numpy as np
import pytest

from workers.engines.mask import Mask, count, flags, tokens


def mask_of(*allowed: int, vocabulary: int = 200) -> Mask:
    may = np.zeros(-(-vocabulary // 32) * 32, bool)
    may[list(allowed)] = True
    return np.packbits(may, bitorder="little")


@pytest.mark.parametrize("allowed", [(), (0,), (31, 32, 199), (7, 64, 65, 128)], ids=str)
def test_its_tokens_are_counted_and_listed_in_order(allowed: tuple[int, ...]) -> None:
    mask = mask_of(*allowed)

    assert count(mask) == len(allowed)
    assert tuple(tokens(mask)) == allowed


def test_each_row_of_flags_is_a_mask_as_long_as_the_vocabulary() -> None:
    found = flags([mask_of(0, 199), mask_of(33)], 200)

    assert found.shape == (2, 200)
    assert [tuple(np.flatnonzero(row)) for row in found] == [(0, 199), (33,)]
