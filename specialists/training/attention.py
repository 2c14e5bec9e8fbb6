"""Attention for training on processors, registered with transformers. Knows no model.

torch's fused attention saves memory, which costs time on a processor: forward and backward over 320 tokens took 6.1 ms
a layer, and the products written out took 2.3 (two Zen 5 cores, bf16, 9 heads of 64, 2026-11-28).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

NAME = "manyhands_causal"

#: Tokens. A longer row has so many scores that the fused attention is faster too (at 2,048: 106 ms to 206).
LONGEST = 1024


def causal_attention(
    _module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _mask: Any, scaling: float, **_: Any
) -> tuple[torch.Tensor, None]:
    """Attention of query (B, H, T, D) over key and value (B, G, T, D), H a multiple of G; returns (B, T, H, D).

    Every token sees itself and those before, whatever the mask says: rows are padded behind their tokens.
    """
    batch, heads, length, width = query.shape
    key, value = (each.repeat_interleave(heads // each.shape[1], 1) for each in (key, value))
    if length > LONGEST:
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling)
        return found.transpose(1, 2), None
    flat = (batch * heads, length, width)
    hidden = _hidden(query.dtype)[:length, :length].expand(flat[0], length, length)
    scores = torch.baddbmm(hidden, query.reshape(flat), key.reshape(flat).transpose(1, 2), alpha=scaling)
    found = scores.softmax(-1) @ value.reshape(flat)
    return found.view(batch, heads, length, width).transpose(1, 2), None


def fits(config: Any) -> bool:
    """Whether a model of `config` attends in this way: to all tokens before, with unchanged scores."""
    text = config.get_text_config()
    others = ("sliding_window", "attn_logit_softcapping", "attention_chunk_size")
    return not any(getattr(text, name, None) for name in others)


@cache
def _hidden(dtype: torch.dtype) -> torch.Tensor:
    """(LONGEST, LONGEST): it is added to scores; minus infinity stands where a token would see a later one."""
    return torch.full((LONGEST, LONGEST), float("-inf"), dtype=dtype).triu(1)


AttentionInterface.register(NAME, causal_attention)
