"""Names as words, as people and scorers read them. Knows nothing of what a name stands for."""

from __future__ import annotations

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BREAKS = re.compile(r"[_\-./]+")


def spoken(name: object) -> str:
    """Write a name as words: `BookRestaurant` and `lost_or_stolen_card` become words with spaces between them."""
    text = _BREAKS.sub(" ", _CAMEL.sub(" ", str(name)))
    return " ".join(text.split()) or str(name)
