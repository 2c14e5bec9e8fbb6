"""Grams: the words, pairs of words and short runs of letters of a text, each as a number. Knows no label.

A gram's number is a hash of 32 bits. So no vocabulary is kept, and two grams of one text seldom share a number.
"""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint32]

SHORTEST, LONGEST = 2, 5  #: letters of a run
_WORD = re.compile(r"\w\w+")
_BLANK = 32
_FACTOR, _MIX = np.uint32(0x01000193), np.uint32(0x9E3779B1)


def word_grams(text: str) -> Numbers:
    """Words of two letters or more, and pairs of neighbours, in lower case, as often as they stand in the text."""
    words = _WORD.findall(text.lower())
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return np.array([zlib.crc32(each.encode("utf-8", "surrogatepass")) for each in words + pairs], np.uint32)


def letter_grams(text: str) -> Numbers:
    """Runs of `SHORTEST` to `LONGEST` letters within a word and the blanks around it, as often as they stand there."""
    spaced = f" {' '.join(text.lower().split())} "
    codes = np.frombuffer(spaced.encode("utf-32-le", "surrogatepass"), np.uint32)
    blanks = np.cumsum(codes == _BLANK)
    runs, found = codes.copy(), []
    for size in range(2, LONGEST + 1):
        runs = runs[:-1] * _FACTOR + codes[size - 1 :]
        if not len(runs):
            break
        inside = blanks[size - 2 : size - 2 + len(runs)] - blanks[: len(runs)]  # blanks between the first and the last
        if size >= SHORTEST:
            found.append(_mixed(runs[inside == 0], size))
    return np.concatenate(found) if found else np.zeros(0, np.uint32)


def _mixed(runs: Numbers, size: int) -> Numbers:
    """Runs of one size as numbers that no run of another size has but by chance."""
    mixed: Numbers = (runs ^ (runs >> np.uint32(15))) * _MIX + np.uint32(size)
    return mixed
