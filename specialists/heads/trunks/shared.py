"""A linear layer that several specialists share: one product for all rows, and each one's change to its own rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F


def kept(tensor: torch.Tensor) -> nn.Parameter:
    """A part of the file that no gradient changes."""
    return nn.Parameter(tensor, requires_grad=False)


class Change(nn.Module):
    """What one adapter adds to a layer: `up @ down`, times a scale."""

    def __init__(self, ins: int, outs: int, rank: int, scale: float) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, ins) / math.sqrt(ins))
        self.up = nn.Parameter(torch.zeros(outs, rank))
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (..., ins) -> (..., outs)
        return F.linear(F.linear(x, self.down), self.up) * self.scale


class Rows:
    """Which rows of the pass that runs are of which adapter. The trunk writes it, and every layer reads it."""

    def __init__(self) -> None:
        self._now: list[tuple[str, int, int]] = []

    @contextmanager
    def laid(self, names: Sequence[str]) -> Iterator[None]:
        """`names`: the adapter of each row; rows of one adapter are neighbours."""
        found: list[tuple[str, int, int]] = []
        for row, name in enumerate(names):
            if found and found[-1][0] == name:
                found[-1] = name, found[-1][1], row + 1
            else:
                found.append((name, row, row + 1))
        self._now = found
        yield
        self._now = []

    def within(self, count: int) -> Iterator[tuple[str, int, int]]:
        """The stretches of the first `count` rows: (adapter, first row, row behind the last)."""
        return ((name, start, min(end, count)) for name, start, end in self._now if start < count)


class SharedLinear(nn.Module):
    """The weight is frozen, and belongs to all. Changes are by the adapter's name."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, rows: Rows) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(), persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.weight: torch.Tensor
        self.bias: torch.Tensor | None
        self._rows = rows
        self.changes = nn.ModuleDict()

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (B, ..., ins) -> (B, ..., outs)
        y: torch.Tensor = F.linear(x, self.weight, self.bias)
        if not self.changes:
            return y
        for name, start, end in self._rows.within(len(x)):
            if name not in self.changes:
                continue
            change = self.changes[name]
            if start == 0 and end == len(x):
                return y + torch.as_tensor(change(x))
            y[start:end] += change(x[start:end])
        return y

    def merge(self, name: str) -> None:
        """Add one change to the weight for good, so that a pass pays nothing for it. It then changes all rows."""
        if name in self.changes:
            change = self.changes[name]
            assert isinstance(change, Change)
            with torch.no_grad():
                self.weight.add_((change.up @ change.down * change.scale).to(self.weight.dtype))
            del self.changes[name]
