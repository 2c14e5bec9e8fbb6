"""The C allocator's habits. Knows nothing of what is allocated."""

from __future__ import annotations

import ctypes

#: glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3

#: Bytes: blocks up to so many are not mapped by themselves (the most that every glibc takes), and so many freed ones
#: stay.
MAPPED, KEPT = 1 << 25, 1 << 30


def keep_freed_memory() -> None:
    """Give back what loading has freed; from now on, have what a step frees stay with this process for the next one.

    Otherwise glibc gives blocks of some hundred kB back to the system, again and again, and the next step takes page
    faults where it should multiply: up to twice the time for products of 100 to 250 tokens. On other libcs it does
    nothing.
    """
    libc = ctypes.CDLL(None)
    mallopt, trim = getattr(libc, "mallopt", None), getattr(libc, "malloc_trim", None)
    if mallopt and trim:
        trim(0)
        mallopt(M_MMAP_THRESHOLD, MAPPED)
        mallopt(M_TRIM_THRESHOLD, KEPT)
