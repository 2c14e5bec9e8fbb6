"""BERT's layers as a trunk: the norm comes behind each sum, and tokens see both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from specialists.heads.trunks.files import Weights
from specialists.heads.trunks.layered import Block, LayeredTrunk, Pass, attended
from specialists.heads.trunks.llama import frozen
from specialists.heads.trunks.shared import Rows


class Norm(torch.nn.Module):
    def __init__(self, weights: Weights, name: str, eps: float) -> None:
        super().__init__()
        self.weight, self.bias, self._eps = frozen(weights[f"{name}.weight"]), frozen(weights[f"{name}.bias"]), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self._eps)


class BertBlock(Block):
    def __init__(self, weights: Weights, at: str, config: dict[str, Any], rows: Rows) -> None:
        super().__init__()
        self._heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
        self.qkv = weights.linear(rows, *(f"{at}.attention.self.{name}" for name in ("query", "key", "value")))
        self.out = weights.linear(rows, f"{at}.attention.output.dense")
        self.attended = Norm(weights, f"{at}.attention.output.LayerNorm", eps)
        self.wide = weights.linear(rows, f"{at}.intermediate.dense")
        self.narrow = weights.linear(rows, f"{at}.output.dense")
        self.done = Norm(weights, f"{at}.output.LayerNorm", eps)

    def forward(self, x: torch.Tensor, now: Pass) -> torch.Tensor:
        batch, length, width = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
        x = self.attended(x + self.out(attended(query, key, value, now.bias)))
        done: torch.Tensor = self.done(x + self.narrow(F.gelu(self.wide(x))))
        return done


class BertTrunk(LayeredTrunk):
    def __init__(self, weights: Weights, config: dict[str, Any], layers: int) -> None:
        rows = Rows()
        blocks = [BertBlock(weights, f"encoder.layer.{n}", config, rows) for n in range(layers)]
        super().__init__(rows, blocks, config["hidden_size"], config["max_position_embeddings"])
        self.words = frozen(weights["embeddings.word_embeddings.weight"])
        places, sides = (weights[f"embeddings.{name}_embeddings.weight"] for name in ("position", "token_type"))
        self.places = frozen(places + sides[0])  # all tokens are of the first of two texts
        self.norm = Norm(weights, "embeddings.LayerNorm", config["layer_norm_eps"])

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.norm(F.embedding(ids, self.words) + self.places[: ids.shape[1]])
        return found


def load_bert(folder: Path, config: dict[str, Any], layers: int) -> BertTrunk:
    return BertTrunk(Weights(folder, "bert."), config, layers)
