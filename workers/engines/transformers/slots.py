"""Slots: the key/value memory of a running batch, and attention over it. Knows nothing of requests, text or grammars.

The tokens of one step lie side by side in one flat row, whichever request they belong to. So no arithmetic outside
attention is spent on padding when one token of a running answer stands beside the hundred of a new prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from mmap import mmap
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from workers.engines.transformers.grouping import Piece, grouped, together

#: The name under which transformers' models find `attend`.
ATTENTION = "manyhands_slots"


class Slots:
    """Keys and values of every layer, for `slots` sequences of up to `length` tokens. They stay in place."""

    def __init__(self, config: Any, slots: int, length: int, dtype: torch.dtype, device: str) -> None:
        heads = config.num_key_value_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        shape = (config.num_hidden_layers, 2, slots, length, heads, width)
        self._pairs = _zeros(shape, dtype, device)  # values that a mask hides must still be finite
        self._flat = self._pairs.view(*shape[:2], slots * length, heads, width)
        self._queries_per_key = config.num_attention_heads // heads

    def layout(self, pieces: Sequence[Piece]) -> Layout:
        """Where the tokens of one step belong. `pieces` are in the order of their tokens."""
        device, length = self._pairs.device, self._pairs.shape[3]
        places = [piece.slot * length + piece.start + n for piece in pieces for n in range(len(piece.tokens))]
        positions = [piece.start + n for piece in pieces for n in range(len(piece.tokens))]
        offsets, end = [], 0
        for piece in pieces:
            offsets.append(end)
            end += len(piece.tokens)
        groups = [self._group([(pieces[n], offsets[n]) for n in group], end) for group in grouped(pieces)]
        return Layout(self, torch.tensor(places, device=device), torch.tensor(positions, device=device), groups)

    def _group(self, spans: Sequence[tuple[Piece, int]], total: int) -> Group:
        spans = sorted(spans, key=lambda span: span[0].slot)
        slots = together([piece for piece, _ in spans])
        rows = {piece.slot: (piece, offset) for piece, offset in spans}
        listed = list(range(slots.start, slots.stop)) if isinstance(slots, slice) else slots
        width = max(len(piece.tokens) for piece, _ in spans)
        reach = min(-(-max(piece.start + len(piece.tokens) for piece, _ in spans) // 16) * 16, self._pairs.shape[3])
        device, dtype = self._pairs.device, self._pairs.dtype
        counts = torch.tensor([len(rows[slot][0].tokens) if slot in rows else 0 for slot in listed])
        starts = torch.tensor([rows[slot][0].start if slot in rows else 0 for slot in listed])
        firsts = torch.tensor([rows[slot][1] if slot in rows else 0 for slot in listed])
        columns = torch.arange(width).expand(len(listed), width)  # (B, W)
        real = columns < counts[:, None]
        gather = torch.where(real, firsts[:, None] + columns, 0)
        positions = torch.where(real, starts[:, None] + columns, 0)
        hidden = torch.arange(reach) > positions[:, :, None]  # (B, W, L): a token sees itself and earlier ones
        mask = torch.zeros(hidden.shape, dtype=dtype).masked_fill_(hidden, float("-inf"))
        mask = mask[:, None].expand(-1, self._queries_per_key, -1, -1).reshape(len(listed), 1, -1, reach)
        whole = width == 1 and gather.flatten().tolist() == list(range(total))
        return Group(
            slots=slots if isinstance(slots, slice) else torch.tensor(slots, device=device),
            reach=reach,
            gather=None if whole else gather.to(device),
            real=real.flatten().nonzero().squeeze(1).to(device),
            tokens=gather[real].to(device),
            mask=mask.to(device),
        )

    def store(self, layer: int, layout: Layout, keys: torch.Tensor, values: torch.Tensor) -> None:
        """`keys` and `values` are both (N, KH, D)."""
        self._flat[layer, 0].index_copy_(0, layout.places, keys)
        self._flat[layer, 1].index_copy_(0, layout.places, values)

    def read(self, layer: int, group: Group) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values, (B, KH, L, D) each. They are views if the group's slots are neighbours."""
        keys, values = self._pairs[layer, :, group.slots, : group.reach].transpose(2, 3).unbind()
        return keys, values

    def copy(self, slot: int, tokens: int) -> torch.Tensor:
        """The first `tokens` of a slot, to be put into other slots: (layers, 2, tokens, KH, D)."""
        return self._pairs[:, :, slot, :tokens].clone()

    def put(self, slot: int, pairs: torch.Tensor, tokens: int) -> None:
        """Begin a slot with the first `tokens` of `pairs`."""
        self._pairs[:, :, slot, :tokens] = pairs[:, :, :tokens]


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: str) -> torch.Tensor:
    """On a CPU the system gives this memory page by page as it is used, because few prompts have the full length."""
    if device != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    return torch.frombuffer(mmap(-1, prod(shape) * dtype.itemsize), dtype=dtype).view(shape)


@dataclass(frozen=True)
class Group:
    """Pieces that attend in one call, padded to the longest of them: B slots, W tokens, over L positions.

    The B may include slots between them that are not in the step, if computing them costs less than copying the others.
    """

    slots: slice | torch.Tensor
    reach: int  #: L
    gather: torch.Tensor | None  #: (B, W) index of each token in the step, 0 for padding; None: one a slot, in order
    real: torch.Tensor  #: indices of the B * W places that are tokens
    tokens: torch.Tensor  #: the tokens of the step in these places
    mask: torch.Tensor  #: (B, 1, queries per key * W, L), added to the scores


@dataclass(frozen=True)
class Layout:
    memory: Slots
    places: torch.Tensor  #: (N,) where each token's key and value are, counted over all slots end to end
    positions: torch.Tensor  #: (N,) the position of each token in its slot
    groups: list[Group]


def attend(
    layer: int, layout: Layout, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> torch.Tensor:
    """Store a step's keys and values (N, KH, D), then attend with its queries (N, H, D), group by group."""
    layout.memory.store(layer, layout, key, value)
    attended = None
    for group in layout.groups:
        keys, values = layout.memory.read(layer, group)
        # The query heads that share a key head are folded into its queries, so that keys are never repeated.
        if group.gather is None:  # B = N, W = 1
            folded = query.reshape(len(query), keys.shape[1], -1, query.shape[-1])  # (B, KH, H / KH, D)
            found = scaled_dot_product_attention(folded, keys, values, attn_mask=group.mask, scale=scale)
            return found.reshape(query.shape)
        rows, width = group.gather.shape
        padded = query[group.gather].transpose(1, 2)  # (B, H, W, D)
        folded = padded.reshape(rows, keys.shape[1], -1, padded.shape[-1])  # (B, KH, H / KH * W, D)
        found = scaled_dot_product_attention(folded, keys, values, attn_mask=group.mask, scale=scale)
        flat = found.reshape(padded.shape).transpose(1, 2).reshape(rows * width, *query.shape[1:])  # (B * W, H, D)
        if attended is None:
            attended = torch.empty(query.shape, dtype=query.dtype, device=query.device)
        attended[group.tokens] = flat[group.real]
    assert attended is not None, "a step has tokens"
    return attended


def attend_for_transformers(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _: None,  # transformers' own mask; the groups of a layout have their own
    *,
    scaling: float,
    layout: Layout,
    **__: Any,
) -> tuple[torch.Tensor, None]:
    """`attend` in the form that transformers' modules call: (1, H, N, D) and (1, KH, N, D)."""
    query, key, value = (each[0].transpose(0, 1) for each in (query, key, value))
    found = attend(module.layer_idx, layout, query, key, value, scaling)
    return found.unsqueeze(0), None


AttentionInterface.register(ATTENTION, attend_for_transformers)
