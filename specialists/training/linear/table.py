"""A table's grams, found in texts. Its weights are left for a regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from specialists.heads.linear.grams import Numbers, letter_grams, word_grams
from specialists.heads.linear.trunk import Table
from specialists.training.linear.choice import chosen


def fill(table_of: Callable[[int], Table], texts: Sequence[str], aims: NDArray[np.bool_]) -> Table:
    """`table_of`: an empty table of so many grams; `aims` (N, answers): which answers hold."""
    numbers, rarity = chosen([_grams(text) for text in texts], aims.astype(np.float32))
    table = table_of(len(numbers))
    with torch.no_grad():
        table.numbers.copy_(torch.from_numpy(numbers.view(np.int32)))
        table.rarity.copy_(torch.from_numpy(rarity))
    return table


def _grams(text: str) -> Numbers:
    return np.unique(np.concatenate((word_grams(text), letter_grams(text))))
