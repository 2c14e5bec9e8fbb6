"""Durations, as people write them: `90s`, `15m`, `1h`, `30d`. Knows no key."""

from __future__ import annotations

import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_FORM = re.compile(r"(\d{1,9})([smhd])")


def seconds_of(text: str) -> int:
    """Raises ValueError."""
    match = _FORM.fullmatch(text)
    if not match:
        raise ValueError(f"{text[:40]!r} is no duration; write a number and s, m, h or d, such as 30d")
    return int(match[1]) * _SECONDS[match[2]]
