"""Which grams a table keeps: those that tell answers apart, as many as a small file holds. Knows no text's meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specialists.heads.linear.grams import Numbers

MOST_WEIGHTS = 4_500_000  #: numbers of two bytes: a file is smaller than 10 MB
MOST_GRAMS = 1 << 18
MANY = 1_000  #: texts from which on a gram of a single text is left out


def chosen(texts: Sequence[Numbers], aims: NDArray[np.float32]) -> tuple[Numbers, NDArray[np.float32]]:
    """The grams to keep, by rising number, and their inverse document frequencies.

    `texts`: the grams of each, no two alike; `aims` (N, answers): 1 where an answer holds. A gram of every text tells
    nothing, so a prompt's own words are left out.
    """
    numbers, spread = np.unique(np.concatenate(texts), return_inverse=True)
    held = np.bincount(spread, minlength=len(numbers))
    kept = (held < len(texts)) & (held >= (2 if len(texts) >= MANY else 1))
    most = min(MOST_GRAMS, MOST_WEIGHTS // aims.shape[1])
    if kept.sum() > most:
        telling = _telling(texts, spread, held, aims)
        kept &= telling >= np.partition(telling[kept], -most)[-most]
    rarity = np.log((1 + len(texts)) / (1 + held[kept])) + 1
    return numbers[kept], rarity.astype(np.float32)


def _telling(
    texts: Sequence[Numbers], spread: NDArray[np.int64], held: NDArray[np.int64], aims: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Of each gram, how far the answers of its texts are from those of all texts (chi squared)."""
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    found = np.zeros(len(held))
    for answer, share in enumerate(aims.mean(0)):
        if share > 0:
            seen = np.bincount(spread, weights=aims[rows, answer], minlength=len(held))
            found += (seen - held * share) ** 2 / (held * share)
    return found
