"""A base's first layers as a trunk, run once over a batch of texts. Rows may leave at different layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from specialists.heads.trunks.shared import Change, Rows, SharedLinear
from specialists.heads.trunks.trunk import Text, Trunk, View


@dataclass(frozen=True)
class Pass:
    """What each layer is told of the batch that runs."""

    bias: torch.Tensor  #: (B, 1, T, T): what is added to scores; minus infinity hides a token
    turns: tuple[torch.Tensor, torch.Tensor] | None  #: cosines and sines of the positions, each (T, D of a head)


class Block(nn.Module, ABC):
    """One layer of a base."""

    @abstractmethod
    def forward(self, x: torch.Tensor, now: Pass) -> torch.Tensor:  # (B, T, D) -> (B, T, D)
        ...


class LayeredTrunk(Trunk):
    """Of a base that has layers. Its only parameters are the changes of adapters."""

    def __init__(self, rows: Rows, blocks: Sequence[Block], width: int, longest: int) -> None:
        super().__init__()
        self.rows, self.width, self.longest = rows, width, longest
        self.blocks = nn.ModuleList(blocks)

    @abstractmethod
    def embed(self, ids: torch.Tensor) -> torch.Tensor:  # (B, T) -> (B, T, D)
        """What the first layer takes."""

    def turns(self, length: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Of the positions, for a base that turns queries and keys; None for others."""
        return None

    def settle(self, x: torch.Tensor) -> torch.Tensor:
        """The hidden states behind any layer, in one scale."""
        return x

    def forward(self, texts: Sequence[Text], views: Mapping[str, View]) -> list[torch.Tensor]:
        """The hidden states (T, D) of each text, in its view. The batch is padded to its longest text."""
        order = sorted(range(len(texts)), key=lambda n: (-views[texts[n].adapter].layers, texts[n].adapter, n))
        ids, held = _padded([texts[n].ids for n in order])
        ways = torch.tensor([views[texts[n].adapter].both_ways for n in order])
        depths = [views[texts[n].adapter].layers for n in order]
        found: dict[int, torch.Tensor] = {}
        with self.rows.laid([texts[n].adapter for n in order]):
            for row, x in self._through(self.embed(ids), _hidden(held, ways), depths):
                found[order[row]] = x[: len(texts[order[row]].ids)]
        return [found[n] for n in range(len(texts))]

    def _through(self, x: torch.Tensor, bias: torch.Tensor, depths: Sequence[int]) -> list[tuple[int, torch.Tensor]]:
        """(row, hidden states) of each row. `depths`: the layers of each row, the deepest first."""
        turns, left, count = self.turns(x.shape[1]), [], len(depths)
        for at, block in enumerate(self.blocks, 1):
            x = block(x, Pass(bias[:count].to(x.dtype), turns))
            if at in depths:
                settled = self.settle(x)
                leaving = depths.index(at)
                left += [(row, settled[row]) for row in range(leaving, count)]
                x, count = x[:leaving], leaving
            if not count:
                break
        return left

    def linears(self) -> dict[str, SharedLinear]:
        """By name, such as `blocks.3.qkv`."""
        return {name: each for name, each in self.named_modules() if isinstance(each, SharedLinear)}

    def adapt(self, name: str, layers: int, rank: int, alpha: int) -> list[nn.Parameter]:
        """Give adapter `name` a change of each product of the first `layers` layers. Returns what is to be learnt."""
        for where, linear in self.linears().items():
            if _layer_of(where) < layers:
                outs, ins = linear.weight.shape
                linear.changes[name] = Change(ins, outs, rank, alpha / rank)
        return [p for _, p in self.learnt(name)]

    def learnt(self, name: str) -> list[tuple[str, nn.Parameter]]:
        return [
            (f"{where}.{half}", parameter)
            for where, linear in self.linears().items()
            if name in linear.changes
            for half, parameter in linear.changes[name].named_parameters()
        ]

    def merge(self, name: str) -> None:
        for linear in self.linears().values():
            linear.merge(name)


def _layer_of(where: str) -> int:
    return int(where.split(".")[1])


def _padded(texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """ids (B, T), and (B, T) which of them are no padding."""
    length = max(map(len, texts))
    ids, held = torch.zeros(len(texts), length, dtype=torch.long), torch.zeros(len(texts), length, dtype=torch.bool)
    for row, each in enumerate(texts):
        ids[row, : len(each)] = torch.tensor(each)
        held[row, : len(each)] = True
    return ids, held


def _hidden(held: torch.Tensor, both_ways: torch.Tensor) -> torch.Tensor:
    """(B, 1, T, T): 0 where a token may be seen, minus infinity where not. A token always sees itself."""
    length = held.shape[1]
    before = torch.ones(length, length, dtype=torch.bool).tril()
    seen = (held[:, None, :] & (before | both_ways[:, None, None])) | torch.eye(length, dtype=torch.bool)
    return torch.zeros(seen.shape).masked_fill_(~seen, float("-inf"))[:, None]


def attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Attention of (B, H, T, d) over keys and values (B, G, T, d), H a multiple of G; returns (B, T, H * d).

    The products are written out: torch's fused attention takes twice as long over short texts on a processor.
    """
    batch, heads, length, width = query.shape
    group = heads // key.shape[1]
    grouped = query.reshape(batch, key.shape[1], group * length, width)
    scores = (grouped @ key.transpose(2, 3)) * width**-0.5  # (B, G, group * T, T)
    scores = scores.view(batch, -1, length, length) + bias
    found: torch.Tensor = scores.softmax(-1).view(batch, key.shape[1], group * length, length) @ value
    return found.view(batch, heads, length, width).transpose(1, 2).reshape(batch, length, heads * width)
