"""The C allocator's habits. Knows nothing of what is allocated."""

from __future__ import annotations

import ctypes

#: These numbers are from glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3

#: In bytes. Blocks up to MAPPED are not mapped one by one; it is the largest value that every glibc takes. Up to KEPT
#: freed bytes stay with the process.
MAPPED, KEPT = 1 << 25, 1 << 30


def keep_freed_memory() -> None:
    """Give back what loading has freed; from now on, keep the memory that a step frees for the next step.

    Otherwise glibc gives blocks of some hundred kB back to the system again and again, and the next step spends its
    time on page faults: products of 100 to 250 tokens take up to twice as long. On other C libraries this does nothing.
    """
    libc = ctypes.CDLL(None)
    mallopt, trim = getattr(libc, "mallopt", None), getattr(libc, "malloc_trim", None)
    if mallopt and trim:
        trim(0)
        mallopt(M_MMAP_THRESHOLD, MAPPED)
        mallopt(M_TRIM_THRESHOLD, KEPT)
