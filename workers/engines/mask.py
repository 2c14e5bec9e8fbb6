"""Masks: which tokens may come next, as bits from llguidance; and the token that was chosen.

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
    log: float  #: of its probability among the tokens that may come; if these are many, among the few likeliest


def count(mask: Mask) -> int:
    return int(np.bitwise_count(mask.view(_WORD)).sum())


def tokens(mask: Mask) -> npt.NDArray[np.int64]:
    """The tokens of a mask that has few of them, in ascending order."""
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
