"""How much examples of each label count, where labels are of unlike frequency. Knows no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

POWER = 0.5  #: 0 counts each example alike, 1 counts each label alike
MOST = 4.0  #: a label's examples count at most so many times as much as the mean example


def balance(values: Sequence[Any], seen: Sequence[Any]) -> list[float]:
    """The weight of each of `values`, by how often it is `seen`. The mean over all that was seen is about 1."""
    counts = Counter(seen)
    raw = {value: (len(seen) / (len(counts) * count)) ** POWER for value, count in counts.items()}
    mean = sum(raw[value] * count for value, count in counts.items()) / max(1, len(seen))
    return [min(MOST, raw[value] / mean) if value in raw else 1.0 for value in values]
