"""Sliding windows: what is left of one, and when there is room in it again. Asks nobody.

The window's use is that of the current window, and of the earlier one the share that has not slid out yet.
"""

from __future__ import annotations

from math import ceil

from infra.access import Spend, Window


def used(window: Window, spend: Spend) -> int:
    return int(window.earlier * window.earlier_left_s / spend.window_s) + window.current


def left(window: Window, spend: Spend) -> int:
    return max(0, spend.limit - used(window, spend))


def clear_s(window: Window) -> int:
    """Whole seconds until nothing of it is used, if nothing more is taken."""
    return ceil(window.current_left_s if window.current else window.earlier_left_s if window.earlier else 0)


def room_s(window: Window, spend: Spend) -> float | None:
    """Seconds until `spend` has room, if nothing else is taken; None if it never has."""
    others = spend.limit - spend.amount  #: what others may use beside it
    if others < 0:
        return None
    if window.current > others:  # the current window slides only after the earlier one has
        return max(0.0, window.current_left_s - others * spend.window_s / window.current)
    if not window.earlier:
        return 0.0
    return max(0.0, window.earlier_left_s - (others - window.current) * spend.window_s / window.earlier)
