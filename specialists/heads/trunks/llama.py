"""Llama's layers, and Qwen2's, as a trunk: root-mean-square norms, turned queries and keys, gated units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from specialists.heads.trunks.files import Weights
from specialists.heads.trunks.layered import Block, LayeredTrunk, Pass, attended
from specialists.heads.trunks.shared import Rows


class LlamaBlock(Block):
    def __init__(self, weights: Weights, at: str, config: dict[str, Any], rows: Rows) -> None:
        super().__init__()
        self._heads, self._groups = config["num_attention_heads"], config["num_key_value_heads"]
        self._width = config.get("head_dim") or config["hidden_size"] // self._heads
        self._eps = config["rms_norm_eps"]
        self.before = frozen(weights[f"{at}.input_layernorm.weight"])
        self.between = frozen(weights[f"{at}.post_attention_layernorm.weight"])
        self.qkv = weights.linear(rows, *(f"{at}.self_attn.{name}_proj" for name in "qkv"))
        self.out = weights.linear(rows, f"{at}.self_attn.o_proj")
        self.wide = weights.linear(rows, f"{at}.mlp.gate_proj", f"{at}.mlp.up_proj")
        self.narrow = weights.linear(rows, f"{at}.mlp.down_proj")

    def forward(self, x: torch.Tensor, now: Pass) -> torch.Tensor:
        x = x + self.out(self._attend(self._norm(x, self.before), now))
        gate, up = self.wide(self._norm(x, self.between)).chunk(2, -1)
        return x + torch.as_tensor(self.narrow(F.silu(gate) * up))

    def _norm(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, weight.shape, weight, self._eps)

    def _attend(self, x: torch.Tensor, now: Pass) -> torch.Tensor:
        batch, length, _ = x.shape
        parts = self.qkv(x).view(batch, length, -1, self._width).transpose(1, 2)
        query, key, value = parts.split([self._heads, self._groups, self._groups], 1)
        assert now.turns
        return attended(_turned(query, *now.turns), _turned(key, *now.turns), value, now.bias)


class LlamaTrunk(LayeredTrunk):
    def __init__(self, weights: Weights, config: dict[str, Any], layers: int) -> None:
        rows = Rows()
        blocks = [LlamaBlock(weights, f"model.layers.{n}", config, rows) for n in range(layers)]
        super().__init__(rows, blocks, config["hidden_size"], config["max_position_embeddings"])
        self.words = frozen(weights["model.embed_tokens.weight"])
        self._eps = config["rms_norm_eps"]
        self._turn = (config.get("rope_parameters") or config)["rope_theta"]
        self._head = blocks[0]._width

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return F.embedding(ids, self.words)

    def turns(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        pace = self._turn ** (-torch.arange(0, self._head, 2).float() / self._head)
        angles = torch.outer(torch.arange(length).float(), pace).repeat(1, 2)
        return angles.cos().to(self.words.dtype), angles.sin().to(self.words.dtype)

    def settle(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, x.shape[-1:], None, self._eps)


def _turned(x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat((-second, first), -1) * sines


def frozen(tensor: torch.Tensor) -> nn.Buffer:
    return nn.Buffer(tensor, persistent=False)


def load_llama(folder: Path, config: dict[str, Any], layers: int) -> LlamaTrunk:
    return LlamaTrunk(Weights(folder), config, layers)
