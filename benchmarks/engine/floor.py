"""Floors: how fast this device reads memory and multiplies, measured in this run. Knows no model."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

BLOCK_BYTES = 1 << 29  #: far more than any cache
SIDE = 2048  #: rows and columns of the matrices
TRIES = 5


def read_bytes_per_s(device: str) -> float:
    """The speed of reading memory in order with all threads; the best of a few tries."""
    block = torch.ones(BLOCK_BYTES // 4, device=device)
    return BLOCK_BYTES / _best(block.sum, device)


def operations_per_s(device: str, dtype: torch.dtype) -> float:
    """The speed of square matrix products, counting an addition and a multiplication as two; the best of a few."""
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
    """Wait for a device that works asynchronously."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
