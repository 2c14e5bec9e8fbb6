"""Waiting in a test until something holds. It knows nothing of what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
WITHIN_S = 60.0
LONGEST_PAUSE_S = 0.1


def eventually(look: Callable[[], T | None], what: str | Callable[[], object] = "", within_s: float = WITHIN_S) -> T:
    """Call `look` until it returns something true, and return that. `what` says in the failure what did not come.

    The pauses grow with the time waited: what comes soon is seen soon, and what takes long is looked at less often.
    """
    began = time.monotonic()
    while not (found := look()):
        waited_s = time.monotonic() - began
        assert waited_s < within_s, f"not within {within_s:g} s: {what() if callable(what) else what}"
        time.sleep(min(LONGEST_PAUSE_S, 0.002 + waited_s / 10))
    return found
