"""Floors: how fast this device reads memory and multiplies, measured now. Knows no model."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

BLOCK_BYTES = 1 << 29  #: far more than any cache
SIDE = 2048  #: of square matrices
TRIES = 5


def read_bytes_per_s(device: str) -> float:
    """Memory read in order, by all threads: the best of a few."""
    block = torch.ones(BLOCK_BYTES // 4, device=device)
    return BLOCK_BYTES / _best(block.sum, device)


def operations_per_s(device: str, dtype: torch.dtype) -> float:
    """Of square products, a multiplication and an addition being two: the best of a few."""
    one = torch.randn(SIDE, SIDE, device=device).to(dtype)
    return 2 * SIDE**3 / _best(lambda: one @ one, device)


def _best(work: Callable[[], object], device: str) -> float:
    seconds = []
    for _ in range(TRIES):
        started = time.perf_counter()
        work()
        settle(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def settle(device: str) -> None:
    """Wait for a device that works on after it was asked."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
