"""Slots: the key/value memory of a running batch, and attention over it. Knows nothing of requests, text or grammars.

The tokens of one step lie side by side in one flat row, whichever request they belong to, so that no arithmetic is
spent on padding outside attention: one token of a running answer beside the hundred of a prompt that joins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

#: The name under which transformers' models find `attend`.
ATTENTION = "manyhands_slots"

#: Pieces up to this many tokens share one padded attention call; longer ones pad too much and get their own.
SHORT = 8


@dataclass(frozen=True)
class Piece:
    """Consecutive tokens of one slot, fed in one step."""

    slot: int
    start: int  #: position of the first token
    tokens: list[int]
    specialist: str


class Slots:
    """Keys and values of every layer: `slots` sequences of up to `length` tokens."""

    def __init__(self, config: Any, slots: int, length: int, dtype: torch.dtype, device: str) -> None:
        heads = config.num_key_value_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        shape = (config.num_hidden_layers, slots, length, heads, width)
        # Zeros, because what a mask hides must still be finite; the system commits the pages when they are used.
        self._keys = torch.zeros(shape, dtype=dtype, device=device)
        self._values = torch.zeros(shape, dtype=dtype, device=device)
        self._queries_per_key = config.num_attention_heads // heads

    def layout(self, pieces: Sequence[Piece]) -> Layout:
        """Where the tokens of one step belong; `pieces` in the order in which their tokens lie."""
        device = self._keys.device
        slots = [piece.slot for piece in pieces for _ in piece.tokens]
        positions = [piece.start + n for piece in pieces for n in range(len(piece.tokens))]
        offsets = [0]
        for piece in pieces:
            offsets.append(offsets[-1] + len(piece.tokens))
        spans = list(zip(pieces, offsets, strict=False))
        short = sorted((s for s in spans if len(s[0].tokens) <= SHORT), key=lambda s: s[0].slot)
        groups = ([short] if short else []) + [[s] for s in spans if len(s[0].tokens) > SHORT]
        return Layout(
            memory=self,
            slots=torch.tensor(slots, device=device),
            positions=torch.tensor(positions, device=device),
            groups=[self._group(spans) for spans in groups],
        )

    def _group(self, spans: Sequence[tuple[Piece, int]]) -> Group:
        width = max(len(piece.tokens) for piece, _ in spans)
        reach = max(piece.start + len(piece.tokens) for piece, _ in spans)
        device, dtype = self._keys.device, self._keys.dtype
        counts = torch.tensor([len(piece.tokens) for piece, _ in spans])
        columns = torch.arange(width).expand(len(spans), width)  # (B, W)
        real = columns < counts[:, None]
        gather = torch.where(real, torch.tensor([offset for _, offset in spans])[:, None] + columns, 0)
        positions = torch.where(real, torch.tensor([piece.start for piece, _ in spans])[:, None] + columns, 0)
        hidden = torch.arange(reach) > positions[:, :, None]  # (B, W, L): a token sees itself and what came before
        mask = torch.zeros(hidden.shape, dtype=dtype).masked_fill_(hidden, float("-inf"))
        mask = mask[:, None].expand(-1, self._queries_per_key, -1, -1).reshape(len(spans), 1, -1, reach)
        return Group(
            slots=_index([piece.slot for piece, _ in spans], device),
            reach=reach,
            gather=gather.to(device),
            real=real.flatten().nonzero().squeeze(1).to(device),
            tokens=gather[real].to(device),
            mask=mask.to(device),
        )

    def store(self, layer: int, layout: Layout, keys: torch.Tensor, values: torch.Tensor) -> None:
        self._keys[layer][layout.slots, layout.positions] = keys  # (N, KH, D)
        self._values[layer][layout.slots, layout.positions] = values

    def read(self, layer: int, group: Group) -> tuple[torch.Tensor, torch.Tensor]:
        keys = self._keys[layer][group.slots, : group.reach]  # (B, L, KH, D)
        values = self._values[layer][group.slots, : group.reach]
        return keys.transpose(1, 2), values.transpose(1, 2)


@dataclass(frozen=True)
class Group:
    """Pieces that attend in one call, padded to the longest of them: B pieces, W tokens, over L positions."""

    slots: slice | torch.Tensor
    reach: int  #: L
    gather: torch.Tensor  #: (B, W) index of each token in the step; 0 where padded
    real: torch.Tensor  #: which of the B * W are tokens
    tokens: torch.Tensor  #: and which tokens of the step these are
    mask: torch.Tensor  #: (B, 1, queries per key * W, L), added to the scores


@dataclass(frozen=True)
class Layout:
    memory: Slots
    slots: torch.Tensor  #: (N,) slot of each token
    positions: torch.Tensor  #: (N,) its position there
    groups: list[Group]


def _index(slots: list[int], device: torch.device) -> slice | torch.Tensor:
    """Neighbouring slots as a slice, which copies nothing."""
    if slots == list(range(slots[0], slots[0] + len(slots))):
        return slice(slots[0], slots[0] + len(slots))
    return torch.tensor(slots, device=device)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _: None,  # transformers' own mask; a layout's groups bring theirs
    *,
    scaling: float,
    layout: Layout,
    **__: Any,
) -> tuple[torch.Tensor, None]:
    """Store a step's keys and values (1, KH, N, D), then attend with its queries (1, H, N, D), group by group."""
    layout.memory.store(module.layer_idx, layout, key[0].transpose(0, 1), value[0].transpose(0, 1))
    queries = query[0].transpose(0, 1)  # (N, H, D)
    attended = torch.empty_like(queries, memory_format=torch.contiguous_format)
    for group in layout.groups:
        keys, values = layout.memory.read(module.layer_idx, group)
        rows, width = group.gather.shape
        padded = queries[group.gather].transpose(1, 2)  # (B, H, W, D)
        # The query heads that share a key head are folded into its queries, so that keys are never repeated.
        folded = padded.reshape(rows, keys.shape[1], -1, padded.shape[-1])  # (B, KH, H / KH * W, D)
        found = scaled_dot_product_attention(folded, keys, values, attn_mask=group.mask, scale=scaling)
        flat = found.reshape(padded.shape).transpose(1, 2).reshape(rows * width, *queries.shape[1:])  # (B * W, H, D)
        attended[group.tokens] = flat[group.real]
    return attended.unsqueeze(0), None


AttentionInterface.register(ATTENTION, attend)
