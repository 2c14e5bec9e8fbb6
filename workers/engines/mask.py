"""Masks: which tokens may come next, a bit each, as llguidance gives them; and the one that was chosen.

Knows no grammar and no model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_WORD = np.dtype("<u4")  #: llguidance's masks are whole words of 32 bits

Mask = npt.NDArray[np.uint8]  #: token 8 n + k is bit k of byte n


class Choice(NamedTuple):
    token: int
    log: float  #: of its probability among those that may come; where many may, among a few likeliest of them


def count(mask: Mask) -> int:
    return int(np.bitwise_count(mask.view(_WORD)).sum())


def tokens(mask: Mask) -> npt.NDArray[np.int64]:
    """The tokens of a mask with few of them, ascending."""
    words = mask.view(_WORD)
    some = np.flatnonzero(words)  # most words of most masks are 0
    inside = np.unpackbits(words[some].view(np.uint8), bitorder="little").reshape(-1, 32)
    rows, columns = np.nonzero(inside)
    found: npt.NDArray[np.int64] = some[rows] * 32 + columns
    return found


def flags(masks: list[Mask], vocabulary: int) -> npt.NDArray[np.bool_]:
    """(len(masks), vocabulary): whether each token is in each mask."""
    found: npt.NDArray[np.bool_] = np.unpackbits(np.stack(masks), axis=1, count=vocabulary, bitorder="little").view(
        np.bool_
    )
    return found
